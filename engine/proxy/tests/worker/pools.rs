//! A pool's connections: how many there may be, how long they live, and what a new snapshot changes.

use crate::policy::{Policy, breaker, millis};
use crate::world::{World, address};
use std::time::Duration;
use tulle_proxy::proto;
use tulle_proxy::worker::ConnectionKey;

const OK: &[(&str, &str)] = &[("grpc-status", "0")];

fn answer_all(world: &mut World) {
    for key in world.servers() {
        let server = world.server(key);
        (0..server.exchanges.len()).for_each(|nth| server.reply(nth, b"y", OK));
        server.exchanges.clear();
    }
    world.run();
}

#[test]
fn a_call_more_than_the_greatest_number_of_connections_carries_waits_for_a_stream() {
    let limit = proto::CircuitBreaker { max_connections: 1, ..breaker() };
    let mut world = World::new(&Policy::to(&[address(1)]).service(|service| service.circuit_breaker = Some(limit)));
    world.server_streams = 5;
    let caller = world.caller();
    let calls: Vec<_> = (0..6).map(|_| world.call(caller, "Unary", &[], b"x")).collect();
    assert_eq!(world.request_count(), 5);
    answer_all(&mut world);
    answer_all(&mut world);
    let statuses: Vec<_> = calls.iter().map(|call| world.seen(caller, *call).status().to_owned()).collect();
    assert_eq!(statuses, ["0"; 6]);
}

/// Two connections, after a burst of calls that have ended.
fn after_a_burst(world: &mut World) -> (ConnectionKey, ConnectionKey) {
    world.server_streams = 10;
    let caller = world.caller();
    for _ in 0..12 {
        world.call(caller, "Unary", &[], b"x");
    }
    let servers = world.servers();
    assert_eq!(servers.len(), 2);
    answer_all(world);
    answer_all(world);
    (servers[0], servers[1])
}

#[test]
fn a_connection_beyond_the_first_goes_after_a_minute_without_a_stream() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let (first, second) = after_a_burst(&mut world);
    world.advance(Duration::from_secs(59));
    assert_eq!(world.servers(), [first, second]);
    world.advance(Duration::from_secs(16));
    assert_eq!(world.servers(), [first]);
    world.advance(Duration::from_secs(800));
    assert_eq!(world.servers(), [first]);
}

#[test]
fn a_connection_beyond_the_first_that_has_a_stream_stays() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    world.server_streams = 10;
    let caller = world.caller();
    for _ in 0..12 {
        world.call(caller, "Watch", &[], b"x");
    }
    world.advance(Duration::from_secs(600));
    assert_eq!((world.servers().len(), world.request_count()), (2, 12));
}

fn connects_within(seconds: i64) -> Policy {
    let mut policy = Policy::to(&[address(1)]);
    policy.snapshot.clusters[0].connect_timeout = Some(millis(seconds * 1_000));
    policy
}

#[test]
fn a_new_connection_has_the_connect_timeout_that_is_in_force() {
    let mut world = World::new(&connects_within(5));
    let caller = world.caller();
    let call = world.call(caller, "Unary", &[], b"x");
    answer_all(&mut world);
    assert_eq!(world.seen(caller, call).status(), "0");
    world.apply(&connects_within(1));
    world.kill(world.servers()[0]);
    world.closed.clear();
    world.unanswered.insert(address(1));
    let call = world.call(caller, "Unary", &[], b"x");
    world.advance(Duration::from_millis(990));
    assert!(world.closed.is_empty());
    world.advance(Duration::from_millis(20));
    assert_eq!(world.closed.len(), 1, "given up after one second: {:?}", world.seen(caller, call));
}

#[test]
fn a_pool_that_a_retry_by_an_old_snapshot_makes_closes_with_its_last_call() {
    let mut world = World::new(&Policy::to(&[address(1), address(2)]));
    world.unanswered.extend([address(1), address(2)]);
    let caller = world.caller();
    let call = world.call(caller, "Unary", &[], b"x");
    world.apply(&Policy::to(&[address(3)]));
    world.unanswered.clear();
    let (refused, _) = world.connecting.pop().expect("a connection is being made");
    world.worker.connect_failed(refused, tulle_proxy::worker::ConnectFault::Peer, "refused");
    world.run();
    world.advance(Duration::from_millis(100));
    assert_eq!(world.servers().len(), 1, "the other endpoint of the old snapshot");
    answer_all(&mut world);
    assert_eq!(world.seen(caller, call).status(), "0");
    assert!(world.servers().is_empty());
}
