//! Servers with a greatest age of a connection (gRFC A9): two GOAWAYs, the calls before the second end, others go elsewhere.

use crate::policy::Policy;
use crate::world::World;
use std::collections::HashSet;
use std::time::Duration;
use tulle_http2::StreamId;
use tulle_proxy::worker::ConnectionKey;

const ANSWER: usize = 1 << 20;
const OK: &[(&str, &str)] = &[("grpc-status", "0")];

/// Server connections that have said the first of two GOAWAYs.
type Aged = HashSet<ConnectionKey>;

fn call_all(world: &mut World, callers: &[ConnectionKey]) -> Vec<(ConnectionKey, StreamId)> {
    callers.iter().map(|caller| (*caller, world.call(*caller, "Download", &[], b"x"))).collect()
}

/// Every server answers what it has not answered yet; gives how many calls it has carried out.
fn answer_all(world: &mut World) -> usize {
    let mut executed = 0;
    for key in world.servers() {
        let server = world.server(key);
        for nth in 0..server.exchanges.len() {
            server.reply(nth, &vec![1; ANSWER], OK);
        }
        executed += server.exchanges.len();
        server.exchanges.clear();
    }
    executed
}

/// A second passes: those that have said it end, the others say that they will.
fn grow_older(world: &mut World, aged: &mut Aged) {
    for key in world.servers() {
        match aged.insert(key) {
            true => world.server(key).codec.announce_shutdown(),
            false => world.server(key).codec.shutdown(),
        }
    }
}

#[test]
fn callers_of_servers_whose_connections_age_in_a_second_see_nothing_of_it() {
    let mut world = World::new(&Policy::to(&[crate::world::address(1)]));
    let callers: Vec<_> = (0..8).map(|_| world.caller()).collect();
    let (mut aged, mut calls, mut executed) = (Aged::new(), Vec::new(), 0);
    for _ in 0..4 {
        let early = call_all(&mut world, &callers);
        grow_older(&mut world, &mut aged);
        // The GOAWAY and these calls cross.
        let crossing = call_all(&mut world, &callers);
        executed += answer_all(&mut world);
        grow_older(&mut world, &mut aged);
        let late = call_all(&mut world, &callers);
        world.advance(Duration::from_secs(1));
        executed += answer_all(&mut world);
        world.run();
        calls.extend([early, crossing, late].concat());
    }
    for (caller, call) in &calls {
        let seen = world.seen(*caller, *call);
        assert_eq!((seen.status(), seen.bytes), ("0", ANSWER), "{seen:?}");
    }
    assert_eq!(executed, calls.len());
    assert!(world.worker.connection_count() <= callers.len() + 2, "those that have aged are closed");
}
