//! Whose fault it is that a connection failed: what this side lacks is not held against the endpoint, and what the server
//! never looked at goes elsewhere.

use crate::policy::Policy;
use crate::world::{Exchange, World, address};
use std::time::Duration;
use tulle_http2::StreamId;
use tulle_proxy::worker::{ConnectFault, ConnectionKey, TlsFault};

const OK: &[(&str, &str)] = &[("grpc-status", "0")];

/// A call to the one endpoint, whose connection fails by `fault`.
fn call_fails(world: &mut World, caller: ConnectionKey, fault: ConnectFault) -> Exchange {
    let call = world.call(caller, "Unary", &[], b"x");
    for _ in 0..20 {
        for (key, _) in std::mem::take(&mut world.connecting) {
            world.worker.connect_failed(key, fault, "for some cause");
        }
        world.advance(Duration::from_millis(5));
    }
    world.seen(caller, call)
}

/// After ten connections that failed by `fault`, the endpoint takes a call again if it was not left out.
fn answered_after_ten(fault: ConnectFault) -> Exchange {
    let mut policy = Policy::to(&[address(1)]);
    // The only one may be left out as well, or nothing would be seen of it.
    policy.snapshot.clusters[0].outlier.as_mut().expect("ejection").max_ejected_percent = Some(100);
    let mut world = World::new(&policy);
    let caller = world.caller();
    world.unanswered.insert(address(1));
    for _ in 0..10 {
        let seen = call_fails(&mut world, caller, fault);
        assert_eq!(seen.status(), "14", "{seen:?}");
    }
    world.unanswered.clear();
    let call = world.call(caller, "Unary", &[], b"x");
    if let Some(server) = world.servers().first().copied() {
        world.server(server).reply(0, b"y", OK);
        world.run();
    }
    world.seen(caller, call)
}

#[test]
fn what_this_side_lacks_is_not_charged_to_the_endpoint() {
    assert_eq!(answered_after_ten(ConnectFault::Local).status(), "0");
}

#[test]
fn an_endpoint_that_cannot_be_reached_is_charged_with_it() {
    assert_ne!(answered_after_ten(ConnectFault::Peer).status(), "0");
}

#[test]
fn a_fault_of_this_side_is_told_with_its_cause() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let caller = world.caller();
    world.unanswered.insert(address(1));
    let seen = call_fails(&mut world, caller, ConnectFault::Local);
    assert_eq!(seen.reason(), "connect_failed", "{seen:?}");
    assert!(seen.text("grpc-message").contains("for some cause"), "{seen:?}");
}

/// A call on a connection whose server has said nothing yet.
fn sent_ahead(world: &mut World) -> (ConnectionKey, StreamId, ConnectionKey) {
    world.unanswered.extend([address(1), address(2)]);
    let caller = world.caller();
    let call = world.call(caller, "Unary", &[], b"x");
    let (key, _) = world.connecting[0];
    world.answer();
    world.unanswered.clear();
    world.worker.settle();
    world.write_all();
    assert_eq!(world.server(key).exchanges.len(), 1, "the request is on its way");
    (caller, call, key)
}

#[test]
fn a_call_that_was_sent_before_the_certificate_was_refused_goes_elsewhere() {
    let mut world = World::new(&Policy::to(&[address(1), address(2)]));
    let (caller, call, refused) = sent_ahead(&mut world);
    world.peers.remove(&refused);
    world.worker.tls_failed(refused, TlsFault::CertificateRefused, "tls: received fatal alert: CertificateExpired");
    world.run();
    let second = world.servers()[0];
    world.server(second).reply(0, b"y", OK);
    world.run();
    assert_eq!(world.seen(caller, call).status(), "0");
}

#[test]
fn a_call_whose_connection_broke_in_another_way_may_have_been_acted_on() {
    let mut world = World::new(&Policy::to(&[address(1), address(2)]));
    let (caller, call, broken) = sent_ahead(&mut world);
    world.peers.remove(&broken);
    world.worker.tls_failed(broken, TlsFault::Broken, "tls: received fatal alert: InternalError");
    world.run();
    assert_eq!(world.seen(caller, call).reason(), "upstream_reset");
}

#[test]
fn a_server_that_has_answered_has_taken_the_certificate_before() {
    let mut world = World::new(&Policy::to(&[address(1), address(2)]));
    let caller = world.caller();
    let call = world.call(caller, "Unary", &[], b"x");
    let server = world.servers()[0];
    world.peers.remove(&server);
    world.worker.tls_failed(server, TlsFault::CertificateRefused, "tls: received fatal alert: CertificateExpired");
    world.run();
    assert_eq!(world.seen(caller, call).reason(), "upstream_reset");
}
