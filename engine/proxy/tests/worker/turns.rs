//! The order of a turn: what is freed in it is not given out again before its socket was closed.

use crate::policy::Policy;
use crate::world::{World, address, to_a_sidecar};
use std::time::Duration;
use tulle_proxy::worker::{Action, ConnectFault, ConnectionKey, Listener};

fn closes(world: &mut World) -> Vec<ConnectionKey> {
    std::iter::from_fn(|| world.worker.next_action()).map(|action| action.key()).collect()
}

#[test]
fn a_connection_that_comes_before_another_is_closed_is_not_closed_in_its_place() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let gone = world.worker.accept(Listener::Outbound);
    world.worker.closed(gone);
    let fresh = world.worker.accept(Listener::Outbound);
    assert_ne!(gone, fresh);
    assert_eq!(closes(&mut world), [gone]);
    assert_eq!(world.worker.connection_count(), 1);
}

#[test]
fn a_key_is_given_out_again_once_its_close_has_been_taken() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    for _ in 0..1_000 {
        let key = world.worker.accept(Listener::Outbound);
        assert!(key.0 < 2, "keys stay small: {key:?}");
        world.worker.closed(key);
        assert_eq!(closes(&mut world), [key]);
    }
}

#[test]
fn as_many_openings_as_closings_in_one_turn_leave_each_its_own_key() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let mut old: Vec<_> = (0..50).map(|_| world.worker.accept(Listener::Outbound)).collect();
    let mut fresh = Vec::new();
    for key in &old {
        world.worker.closed(*key);
        fresh.push(world.worker.accept(Listener::Outbound));
    }
    assert!(fresh.iter().all(|key| !old.contains(key)));
    let mut closed = closes(&mut world);
    closed.sort_by_key(|key| key.0);
    old.sort_by_key(|key| key.0);
    assert_eq!(closed, old);
}

#[test]
fn a_connect_that_fails_at_once_is_closed_before_the_next_one_takes_its_key() {
    let mut world = World::new(&Policy::to(&[address(1), address(2)]));
    world.unanswered.extend([address(1), address(2)]);
    let caller = world.caller();
    world.call(caller, "Unary", &[], b"x");
    let (refused, _) = world.connecting.pop().expect("a connection is being made");
    world.worker.connect_failed(refused, ConnectFault::Peer, "connection refused");
    world.worker.settle();
    let next: Vec<_> = std::iter::from_fn(|| world.worker.next_action()).collect();
    let [Action::Close { key: closed }, Action::Connect { key: opened, .. }] = &*next else { panic!("{next:?}") };
    assert_eq!(*closed, refused);
    assert_ne!(opened, closed);
}

#[test]
fn a_timer_that_is_due_waits_for_what_came_in_its_turn() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let caller = world.caller();
    let call = world.call(caller, "Stream", &[("grpc-timeout", "300m")], b"x");
    let server = world.servers()[0];
    world.server(server).reply(0, b"y", &[("grpc-status", "0")]);
    // The process stands still: the reply and the deadline are found in the same turn.
    world.now += Duration::from_secs(10);
    world.worker.turn(world.now);
    world.read_all();
    world.run();
    assert_eq!(world.seen(caller, call).status(), "0");
}

/// A call whose server was asked whether it lives, and all stands still before it answers.
fn asked_before_a_standstill() -> (World, ConnectionKey, impl Fn(&World) -> bool) {
    let mut world = World::new(&to_a_sidecar());
    let caller = world.caller();
    let call = world.call(caller, "Stream", &[], b"x");
    let server = world.servers()[0];
    world.server(server).silent = true;
    world.advance(Duration::from_secs(11));
    (world, server, move |world: &World| !world.seen(caller, call).ended)
}

#[test]
fn an_answer_that_lies_there_after_a_standstill_is_heard_before_its_time_is_over() {
    let (mut world, server, lives) = asked_before_a_standstill();
    world.server(server).silent = false;
    world.write_all();
    world.now += Duration::from_secs(10);
    world.worker.turn(world.now);
    world.server(server).codec.ping(*b"anything");
    world.read_all();
    world.run();
    assert!(lives(&world));
}

#[test]
fn a_peer_that_stood_still_with_us_has_a_moment_to_answer() {
    let (mut world, server, lives) = asked_before_a_standstill();
    world.now += Duration::from_secs(10);
    world.run();
    assert!(lives(&world));
    world.server(server).silent = false;
    world.server(server).codec.ping(*b"anything");
    world.advance(Duration::from_secs(2));
    assert!(lives(&world));
}

#[test]
fn a_peer_that_says_nothing_after_a_standstill_either_is_given_up() {
    let (mut world, _, lives) = asked_before_a_standstill();
    world.now += Duration::from_secs(10);
    world.run();
    world.advance(Duration::from_millis(1_010));
    assert!(!lives(&world));
}

#[test]
fn a_handshake_that_a_standstill_interrupts_has_a_moment_to_end() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let slow = world.worker.accept(Listener::Outbound);
    world.run();
    world.now += Duration::from_secs(20);
    world.run();
    assert!(world.closed.is_empty());
    world.advance(Duration::from_millis(1_010));
    assert_eq!(world.closed, [slow]);
}

#[test]
fn a_call_that_gets_its_connection_in_the_turn_after_a_standstill_has_not_waited_too_long() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    world.unanswered.insert(address(1));
    let caller = world.caller();
    let call = world.call(caller, "Unary", &[], b"x");
    world.now += Duration::from_secs(10);
    world.worker.turn(world.now);
    world.answer();
    world.run();
    let server = world.servers()[0];
    world.server(server).reply(0, b"y", &[("grpc-status", "0")]);
    world.run();
    assert_eq!(world.seen(caller, call).status(), "0");
}
