//! One client's rapid resets, and the connection that it shares with all others.

use crate::policy::Policy;
use crate::world::{World, address};
use std::time::Duration;
use tulle_http2::{ErrorCode, StreamId};
use tulle_mesh::telemetry::CounterName;
use tulle_proxy::worker::ConnectionKey;

const OK: &[(&str, &str)] = &[("grpc-status", "0")];
const YOUNG: Duration = Duration::from_millis(1_000);

fn give_up(world: &mut World, caller: ConnectionKey, stream: StreamId) {
    world.server(caller).codec.reset(stream, ErrorCode::CANCEL);
    world.run();
}

fn resets_at(world: &World, server: ConnectionKey) -> usize {
    world.peers[&server].exchanges.values().filter(|exchange| exchange.reset.is_some()).count()
}

#[test]
fn a_few_cancels_are_passed_on_at_once() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let caller = world.caller();
    for _ in 0..50 {
        let call = world.call(caller, "Unary", &[], b"x");
        give_up(&mut world, caller, call);
    }
    let server = world.servers()[0];
    assert_eq!(resets_at(&world, server), 50);
}

#[test]
fn many_rapid_cancels_reach_the_server_when_they_are_rapid_no_more() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let caller = world.caller();
    let calls = 140;
    for _ in 0..calls {
        let call = world.call(caller, "Unary", &[], b"x");
        give_up(&mut world, caller, call);
    }
    let server = world.servers()[0];
    let at_once = resets_at(&world, server);
    assert!(at_once * 2 <= calls + 50, "{at_once} of {calls} were young");
    world.advance(YOUNG);
    assert_eq!(resets_at(&world, server), at_once, "a second later they are young still");
    world.advance(Duration::from_millis(101));
    assert_eq!(resets_at(&world, server), calls);
}

#[test]
fn clients_that_reset_all_they_ask_for_do_not_cost_the_others_their_connection() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    for _ in 0..20 {
        let attacker = world.caller();
        for _ in 0..60 {
            let call = world.call(attacker, "Unary", &[], b"x");
            give_up(&mut world, attacker, call);
        }
        world.worker.closed(attacker);
        world.peers.remove(&attacker);
        world.advance(Duration::from_millis(200));
    }
    // The server side of this world is our own codec with its own limit: it would have failed.
    world.advance(Duration::from_secs(2));
    let honest = world.caller();
    let call = world.call(honest, "Unary", &[], b"x");
    let server = *world
        .servers()
        .iter()
        .find(|key| world.peers[key].exchanges.values().any(|e| e.reset.is_none()))
        .expect("open");
    let nth = world.peers[&server].exchanges.values().position(|e| e.reset.is_none()).expect("the call");
    world.server(server).reply(nth, b"y", OK);
    world.run();
    assert_eq!(world.seen(honest, call).status(), "0");
    assert_eq!(world.counter(CounterName::ConnectionsClosed, "drained"), 0, "no GOAWAY came");
}

#[test]
fn work_that_runs_on_after_a_reset_counts_against_the_caller() {
    let mut world = World::new(&Policy::to(&[address(1), address(2)]));
    world.server_streams = 1_000;
    let attacker = world.caller();
    let mut refused = 0;
    for _ in 0..300 {
        let call = world.call(attacker, "Unary", &[], b"x");
        refused += usize::from(world.seen(attacker, call).reset == Some(ErrorCode::REFUSED_STREAM));
        give_up(&mut world, attacker, call);
    }
    assert!(refused > 0, "a hundred at once, those counted that are given up");
    assert_eq!(world.counter(CounterName::LimitsExceeded, "max_concurrent_streams"), 1);
    let other = world.caller();
    let call = world.call(other, "Unary", &[], b"x");
    assert_eq!(world.seen(other, call).reset, None);
    world.advance(Duration::from_millis(1_200));
    let call = world.call(attacker, "Unary", &[], b"x");
    assert_eq!(world.seen(attacker, call).reset, None, "its places come back");
}

#[test]
fn a_sidecar_that_paces_its_cancels_is_not_refused_for_them() {
    let mut world = World::callee();
    world.server_streams = 1_000;
    // Attackers of their own have used up what goes to the application at once.
    for _ in 0..4 {
        let attacker = world.sidecar();
        for _ in 0..90 {
            let call = world.call(attacker, "Unary", &[], b"x");
            give_up(&mut world, attacker, call);
        }
    }
    let shared = world.sidecar();
    for nth in 0..150 {
        let call = world.call(shared, "Unary", &[], b"x");
        give_up(&mut world, shared, call);
        assert_ne!(world.seen(shared, call).reset, Some(ErrorCode::REFUSED_STREAM), "call {nth}");
    }
    let honest = world.call(shared, "Unary", &[], b"x");
    assert_eq!(world.seen(shared, honest).reset, None);
}

#[test]
fn a_stream_that_ends_by_itself_while_its_reset_is_held_gives_its_place_back() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let caller = world.caller();
    for _ in 0..140 {
        let call = world.call(caller, "Unary", &[], b"x");
        give_up(&mut world, caller, call);
    }
    let server = world.servers()[0];
    let open: Vec<usize> = (0..140)
        .filter(|nth| world.peers[&server].exchanges.values().nth(*nth).is_some_and(|e| e.reset.is_none()))
        .collect();
    assert!(!open.is_empty());
    for nth in &open {
        world.server(server).reply(*nth, b"y", OK);
    }
    world.run();
    assert_eq!(world.peers[&server].codec.active_streams(), 0);
    world.advance(Duration::from_secs(2));
    assert_eq!(world.worker.calls_in_flight(), 0);
}
