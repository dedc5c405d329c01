//! What a panic between events leaves behind, as the loop that contains it sees it.

use crate::policy::{Policy, retry};
use crate::world::{World, address};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

const OK: &[(&str, &str)] = &[("grpc-status", "0")];

/// Settles as `io/poll` does: a panic costs the connection at hand.
fn settle(world: &mut World) {
    while catch_unwind(AssertUnwindSafe(|| world.worker.settle())).is_err() {
        let at_hand = world.worker.at_hand();
        world.worker.panicked(at_hand);
    }
}

#[test]
fn a_call_that_panics_in_a_queue_does_not_hold_up_those_behind_it() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    world.unanswered.insert(address(1));
    let (struck, neighbour) = (world.caller(), world.caller());
    world.call(struck, "Unary", &[("x-panic", "launch")], b"x");
    let waits = world.call(neighbour, "Unary", &[], b"y");
    world.answer();
    settle(&mut world);
    // Before anything else happens on that connection, its SETTINGS included.
    world.write_all();
    assert_eq!(world.request_count(), 1);
    world.run();
    assert_eq!(world.closed, [struck]);
    let server = world.servers()[0];
    world.server(server).reply(0, b"z", OK);
    world.run();
    assert_eq!(world.seen(neighbour, waits).status(), "0");
}

#[test]
fn nobody_is_at_hand_once_retries_and_queues_are_served() {
    let mut world = World::new(&Policy::to(&[address(1), address(2)]).route(|route| route.retry = Some(retry(2))));
    let caller = world.caller();
    world.call(caller, "Unary", &[], b"x");
    let first = world.servers()[0];
    let stream = world.server(first).request(0);
    world.server(first).codec.reset(stream, tulle_http2::ErrorCode::REFUSED_STREAM);
    world.run();
    assert_eq!(world.request_count(), 2, "it was tried again, from among the restarts");
    world.worker.settle();
    assert_eq!(world.worker.at_hand(), None);
    world.advance(Duration::from_millis(1));
}
