//! A call in steady state allocates nothing in this crate.

// The other tests use the rest of it.
#[allow(dead_code)]
mod support;

use prost::Message;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Instant;
use support::*;
use tulle_mesh::authz::Access;
use tulle_mesh::balance::Picked;
use tulle_mesh::outcome::Outcome;
use tulle_mesh::proto::{self, Direction};
use tulle_mesh::random::SplitMix64;
use tulle_mesh::resilience::breaker::Limit;
use tulle_mesh::resilience::deadline::{Deadline, format_timeout, parse_timeout};
use tulle_mesh::resilience::retry::RetryPlan;
use tulle_mesh::snapshot::Snapshot;
use tulle_mesh::spiffe::SpiffeId;
use tulle_mesh::status::Code;
use tulle_mesh::telemetry::trace_context::{Sampler, TraceContext};
use tulle_mesh::telemetry::{CallSample, SeriesKey, WorkerTelemetry};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every request goes to the system's allocator as it came; only a number of this thread is added to.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise for `alloc`, handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: `memory` came from `alloc` above, which is the system's.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const PARENT: &[u8] = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
const PATH: &[u8] = b"/shop.v1.Payments/Charge";

/// Every decision on an outbound call and on its way in, as the proxy takes them.
fn one_call(
    snapshot: &Snapshot,
    caller: &SpiffeId,
    worker: &mut WorkerTelemetry,
    random: &mut SplitMix64,
    now: Instant,
) {
    let service = snapshot.service(b"payments:50051").expect("the service");
    let route = service.route(PATH, |_, _| false).expect("the default");
    let method = service.method(PATH);
    let deadline = Deadline::effective(now, parse_timeout(b"2S"), &route.policy);
    let trace = Sampler::new(0.01).begin(TraceContext::parse(PARENT), random);
    let mut plan = RetryPlan::new(&route.policy, &method);
    service.breaker.acquire(Limit::Requests).expect("under the limit");
    let Picked { cell, ticket } = route.pick_cluster(random).take(&[], now, random).expect("an endpoint");
    cell.begin(now);
    let sent = (format_timeout(deadline.remaining(now).unwrap_or_default()), trace.context.format());
    assert!(!sent.0.as_bytes().is_empty());
    let outcome = Outcome::trailers(Code::Ok, None);
    cell.answered(ticket);
    let label = service.learn(PATH, &outcome);
    cell.settle(ticket, now, ms(2), &outcome, label);
    plan.finish(&service.breaker);
    service.breaker.release(Limit::Requests);
    let inbound = snapshot.inbound().expect("inbound");
    assert!(matches!(inbound.authorize(caller, PATH), Access::Allow { .. }));
    let key = SeriesKey {
        direction: Direction::Outbound,
        peer: &service.name,
        cluster: PAYMENTS,
        method: service.method_name(label),
        status: outcome.code,
        reason: outcome.reason,
        mtls: true,
    };
    let sample =
        CallSample { duration_us: 2000, request_bytes: 100, response_bytes: 100, retries: 0, without_deadline: false };
    worker.series.record(&key, &sample);
}

fn busy_mesh() -> Snapshot {
    let mut wire = mesh();
    let rules = (0..20).map(|n| proto::AccessRule {
        policy: format!("shop/p{n}"),
        rule: n,
        action: proto::AccessAction::Allow.into(),
        identities: vec![format!("spiffe://shop.local/shop/caller-{n}")],
        methods: vec!["shop.v1.Payments/Charge".into()],
    });
    wire.inbound.as_mut().expect("inbound").rules = rules.collect();
    tulle_mesh::wire::decode(&wire.encode_to_vec(), None).expect("a valid snapshot")
}

#[test]
fn a_call_whose_series_and_method_are_known_allocates_nothing() {
    let snapshot = busy_mesh();
    let caller = SpiffeId::parse("spiffe://shop.local/shop/caller-17").expect("a valid id");
    let (mut worker, mut random, now) = (WorkerTelemetry::new(), random(), Instant::now());
    one_call(&snapshot, &caller, &mut worker, &mut random, now);
    let before = ALLOCATIONS.get();
    (0..1000).for_each(|_| one_call(&snapshot, &caller, &mut worker, &mut random, now));
    assert_eq!(ALLOCATIONS.get() - before, 0);
}
