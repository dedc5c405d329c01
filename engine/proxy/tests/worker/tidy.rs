//! Memory that a burst took is given back, and a worker at rest does nothing.

use crate::policy::Policy;
use crate::world::{World, address};
use std::time::Duration;

const OK: &[(&str, &str)] = &[("grpc-status", "0")];

fn a_busy_world() -> World {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let caller = world.caller();
    for nth in 0..4 {
        world.call(caller, "Unary", &[], &[7; 40_000]);
        let server = world.servers()[0];
        world.server(server).reply(nth, &[8; 60_000], OK);
        world.run();
    }
    world
}

#[test]
fn a_while_after_a_burst_its_memory_is_given_back_once() {
    let mut world = a_busy_world();
    world.advance(Duration::from_secs(9));
    assert!(!world.worker.take_freed(), "not while more of it may come");
    world.advance(Duration::from_secs(2));
    assert!(world.worker.take_freed());
    assert!(!world.worker.take_freed());
}

#[test]
fn a_worker_at_rest_has_no_timer_for_it() {
    let mut world = a_busy_world();
    world.advance(Duration::from_secs(11));
    assert!(world.worker.take_freed());
    world.advance(Duration::from_secs(300));
    assert!(!world.worker.take_freed(), "nothing came in between");
}

#[test]
fn calls_go_on_after_it_as_before() {
    let mut world = a_busy_world();
    let caller = world.caller();
    world.advance(Duration::from_secs(11));
    let stream = world.call(caller, "Unary", &[], b"again");
    let server = world.servers()[0];
    world.server(server).reply(4, b"there", OK);
    world.run();
    assert_eq!(world.seen(caller, stream).first, b"there");
}
