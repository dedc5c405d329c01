//! 1xx heads: a few are passed on, and none of them fills the memory of a caller that does not read.

use crate::policy::Policy;
use crate::world::{Peer, World, address, fields};
use tulle_mesh::telemetry::CounterName;

const MIB: usize = 1 << 20;

fn hint(server: &mut Peer, nth: usize, value: &str) {
    let stream = server.request(nth);
    server.codec.send_headers(stream, &fields(&[(":status", "103"), ("link", value)]), false);
}

#[test]
fn eight_are_passed_on_and_the_rest_is_counted() {
    for (sent, passed, dropped) in [(8, 8, 0), (20, 8, 12)] {
        let mut world = World::new(&Policy::to(&[address(1)]));
        let caller = world.caller();
        let call = world.call(caller, "Unary", &[], b"x");
        let server = world.servers()[0];
        (0..sent).for_each(|_| hint(world.server(server), 0, "</a>"));
        world.run();
        assert_eq!(world.seen(caller, call).hints, passed);
        world.server(server).reply(0, b"y", &[("grpc-status", "0")]);
        world.run();
        assert_eq!((world.seen(caller, call).status(), world.seen(caller, call).hints), ("0", passed));
        assert_eq!(world.counter(CounterName::InformationalDropped, ""), dropped);
    }
}

#[test]
fn a_caller_that_reads_nothing_keeps_no_more_than_a_mebibyte_of_them() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let caller = world.caller();
    for _ in 0..50 {
        world.call(caller, "Unary", &[], b"x");
    }
    world.server(caller).silent = true;
    let server = world.servers()[0];
    let long = "a".repeat(15_000);
    for _ in 0..200 {
        for nth in 0..50 {
            hint(world.server(server), nth, &long);
        }
        world.run();
        assert!(world.worker.output(caller).len() <= MIB);
    }
}
