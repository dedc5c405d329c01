//! Frames that are begun and not finished.

use crate::policy::Policy;
use crate::world::{World, address};
use std::time::Duration;
use tulle_mesh::telemetry::CounterName;

#[test]
fn a_frame_that_is_not_finished_within_the_stall_timeout_ends_its_connection() {
    for begun in [&[0, 0][..], &[0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3]] {
        let mut world = World::new(&Policy::to(&[address(1)]));
        let caller = world.caller();
        let other = world.caller();
        world.worker.received(caller, begun);
        world.run();
        world.advance(Duration::from_secs(59));
        assert!(world.closed.is_empty());
        world.advance(Duration::from_secs(2));
        assert_eq!(world.closed, [caller]);
        assert_eq!(world.counter(CounterName::LimitsExceeded, "stall_timeout"), 1);
        assert!(world.peers.contains_key(&other));
    }
}

#[test]
fn a_frame_of_a_connection_with_calls_is_given_up_as_well() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let caller = world.caller();
    world.call(caller, "Watch", &[], b"x");
    world.worker.received(caller, &[0, 0, 8, 6]);
    world.advance(Duration::from_secs(76));
    assert_eq!(world.closed, [caller]);
}

#[test]
fn a_frame_that_is_finished_late_costs_nothing() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let caller = world.caller();
    world.worker.received(caller, &[0, 0, 8, 6, 1, 0, 0, 0, 0, 1, 2, 3]);
    world.run();
    world.advance(Duration::from_secs(50));
    world.worker.received(caller, &[4, 5, 6, 7, 8]);
    world.run();
    world.advance(Duration::from_secs(300));
    assert!(world.closed.is_empty());
}
