//! The spans that a sidecar tells: a call's on each side, an attempt's below it where there are attempts, one chain.

use crate::policy::{Policy, retry};
use crate::world::{World, address};
use std::time::Duration;
use tulle_proxy::proto::{Direction, Span};

const OK: &[(&str, &str)] = &[("grpc-status", "0")];
const AWAY: &[(&str, &str)] = &[("grpc-status", "14")];
const SAMPLED: (&str, &str) = ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
const UNSAMPLED: (&str, &str) = ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00");

fn told(world: &mut World) -> Vec<Span> {
    world.worker.telemetry.spans.take().0.into_iter().map(Span::from).collect()
}

/// What the upstream of the `nth` connection was told to continue.
fn continued(world: &mut World, nth: usize) -> String {
    let server = world.servers()[nth];
    world.server(server).exchanges[&1].text("traceparent").to_owned()
}

fn traceparent(span: &Span) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    format!("00-{}-{}-01", hex(&span.trace_id), hex(&span.span_id))
}

#[test]
fn a_calling_side_tells_the_call_and_its_attempt_which_the_upstream_continues() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let caller = world.caller();
    world.call(caller, "Unary", &[SAMPLED], b"x");
    let continued = continued(&mut world, 0);
    let server = world.servers()[0];
    world.server(server).reply(0, b"y", OK);
    world.run();
    let [attempt, call] = &told(&mut world)[..] else { panic!("two spans") };
    assert!(attempt.attempt && !call.attempt);
    assert_eq!(traceparent(attempt), continued);
    assert_eq!(attempt.parent_span_id, call.span_id);
    assert_eq!(call.parent_span_id, [0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7]);
    assert_eq!((call.direction(), attempt.direction()), (Direction::Outbound, Direction::Outbound));
}

#[test]
fn a_called_side_tells_one_span_which_its_application_continues() {
    let mut world = World::callee();
    let sidecar = world.sidecar();
    world.call(sidecar, "Unary", &[SAMPLED], b"x");
    let continued = continued(&mut world, 0);
    let application = world.servers()[0];
    world.server(application).reply(0, b"y", OK);
    world.run();
    let [call] = &told(&mut world)[..] else { panic!("one span") };
    assert_eq!(traceparent(call), continued);
    assert_eq!((call.direction(), call.attempt), (Direction::Inbound, false));
}

#[test]
fn each_attempt_is_a_span_of_its_own_below_the_call() {
    let mut world = World::new(&Policy::to(&[address(1), address(2)]).route(|route| {
        route.idempotent = true;
        route.retry = Some(retry(2));
    }));
    let caller = world.caller();
    world.call(caller, "Unary", &[SAMPLED], b"x");
    let first = world.servers()[0];
    world.server(first).refuse(0, AWAY);
    world.run();
    world.advance(Duration::from_millis(300));
    let second = *world.servers().iter().find(|key| **key != first).expect("another connection");
    world.server(second).reply(0, b"y", OK);
    world.run();
    let spans = told(&mut world);
    let outcomes: Vec<_> = spans.iter().map(|span| (span.attempt, span.attempt_number, span.grpc_status)).collect();
    assert_eq!(outcomes, [(true, 1, 14), (true, 2, 0), (false, 2, 0)]);
    assert!(spans[..2].iter().all(|attempt| attempt.parent_span_id == spans[2].span_id));
}

#[test]
fn an_unsampled_call_tells_nothing_unless_it_fails() {
    for (trailers, spans) in [(OK, 0), (AWAY, 1)] {
        let mut world = World::callee();
        let sidecar = world.sidecar();
        world.call(sidecar, "Unary", &[UNSAMPLED], b"x");
        let application = world.servers()[0];
        world.server(application).reply(0, b"y", trailers);
        world.run();
        assert_eq!(told(&mut world).len(), spans, "{trailers:?}");
    }
}
