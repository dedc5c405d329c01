//! A stop: what was accepted is delivered as long as its caller takes some of it, or it is counted as broken.

use crate::policy::Policy;
use crate::world::{World, address};
use std::time::Duration;
use tulle_http2::{ErrorCode, StreamId};
use tulle_mesh::telemetry::{Collector, CounterName};
use tulle_proxy::worker::{ConnectionKey, Scope};

const OK: &[(&str, &str)] = &[("grpc-status", "0")];
/// What one window takes: the whole reply is in the output then.
const BODY: usize = 60_000;

/// A caller that reads nothing of the reply that has come for it.
fn replied_to_a_sleeper(world: &mut World) -> (ConnectionKey, StreamId) {
    let caller = world.caller();
    let call = world.call(caller, "Download", &[], b"x");
    let server = world.servers()[0];
    world.server(caller).silent = true;
    world.server(server).reply(0, &[1; BODY], OK);
    world.run();
    (caller, call)
}

/// The statuses of the calls that were counted.
fn counted(world: &mut World) -> Vec<i32> {
    let mut collector = Collector::new(1);
    collector.absorb(&mut world.worker.telemetry, world.now);
    let told = collector.export(world.snapshot.as_deref(), 2, world.now);
    told.calls.iter().map(|series| series.grpc_status as i32).collect()
}

#[test]
fn a_reply_that_its_caller_has_not_read_yet_is_not_drained() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let (caller, call) = replied_to_a_sleeper(&mut world);
    world.worker.drain(Scope::All);
    world.advance(Duration::from_secs(20));
    assert!(!world.worker.is_drained());
    world.server(caller).silent = false;
    world.worker.writable(caller);
    world.write_all();
    let seen = world.seen(caller, call);
    assert_eq!((seen.status(), seen.bytes), ("0", BODY));
    world.run();
    assert!(world.worker.is_drained());
    assert_eq!(world.closed, [caller]);
}

#[test]
fn a_caller_that_takes_nothing_of_the_rest_for_a_minute_is_not_waited_for() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let (caller, _) = replied_to_a_sleeper(&mut world);
    world.worker.drain(Scope::All);
    world.advance(Duration::from_secs(80));
    assert_eq!(world.closed, [caller]);
    assert!(world.worker.is_drained());
}

#[test]
fn replies_that_the_end_of_the_grace_cuts_are_counted_with_the_calls_in_flight() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let caller = world.caller();
    for _ in 0..4 {
        world.call(caller, "Download", &[], b"x");
    }
    world.server(caller).silent = true;
    let server = world.servers()[0];
    (0..3).for_each(|nth| world.server(server).reply(nth, &[1; 10_000], OK));
    world.run();
    // The first reply has gone, and a part of the second.
    world.worker.writable(caller);
    assert_eq!(world.worker.next_dirty(), Some(caller));
    world.worker.wrote(caller, 15_000);
    world.worker.abandon();
    assert_eq!(world.counter(CounterName::BrokenByMesh, "shutdown"), 3);
}

#[test]
fn a_stop_of_a_sidecar_whose_callers_have_read_all_breaks_nothing() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let caller = world.caller();
    world.call(caller, "Download", &[], b"x");
    let server = world.servers()[0];
    world.server(server).reply(0, &[1; BODY], OK);
    world.run();
    world.worker.abandon();
    assert_eq!(world.counter(CounterName::BrokenByMesh, "shutdown"), 0);
}

/// A call whose reply is complete here, while its caller has taken one window of it.
fn half_taken(world: &mut World, more: &[(&str, &str)]) -> (ConnectionKey, StreamId) {
    let caller = world.caller();
    world.server(caller).reads = false;
    let call = world.call(caller, "Download", more, b"x");
    let server = world.servers()[0];
    world.server(server).reply(0, &[1; 100_000], OK);
    world.run();
    assert!(counted(world).is_empty(), "it is not over");
    (caller, call)
}

#[test]
fn a_reply_that_its_caller_gives_up_while_it_flushes_is_not_counted_as_ok() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let (caller, call) = half_taken(&mut world, &[]);
    world.server(caller).codec.reset(call, ErrorCode::CANCEL);
    world.run();
    assert_eq!(counted(&mut world), [1]);
}

#[test]
fn a_reply_that_its_deadline_cuts_while_it_flushes_is_not_counted_as_ok() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    half_taken(&mut world, &[("grpc-timeout", "300m")]);
    world.advance(Duration::from_millis(301));
    assert_eq!(counted(&mut world), [4]);
}

#[test]
fn a_reply_that_is_taken_late_is_counted_once_and_as_it_is() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let (caller, call) = half_taken(&mut world, &[]);
    world.server(caller).codec.release(call, 60_000);
    world.run();
    assert_eq!(world.seen(caller, call).status(), "0");
    assert_eq!(counted(&mut world), [0]);
}
