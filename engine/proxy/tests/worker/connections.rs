//! The life of connections: sniffing, filling, growing, draining.

use crate::policy::Policy;
use crate::world::{World, address, fields};
use std::time::Duration;
use tulle_http2::{Config, Connection, Role, Token};
use tulle_mesh::telemetry::CounterName;
use tulle_proxy::worker::{Listener, Scope};

const OK: &[(&str, &str)] = &[("grpc-status", "0")];

#[test]
fn a_connection_is_understood_byte_by_byte() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let key = world.worker.accept(Listener::Outbound);
    let mut client = Connection::new(Config::new(Role::Client));
    let list = [(":method", "POST"), (":scheme", "http"), (":path", "/t.Echo/Unary"), (":authority", "not.this.one")];
    client.open(Token(1), &fields(&list), true).expect("a stream");
    let bytes = [b"CONNECT echo.shop:80 HTTP/1.1\r\nhost: x\r\n\r\n", client.output()].concat();
    for byte in bytes {
        world.worker.received(key, &[byte]);
    }
    world.run();
    assert_eq!(world.request_count(), 1);
}

#[test]
fn calls_share_one_connection_until_80_percent_of_its_streams() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    world.server_streams = 10;
    let caller = world.caller();
    world.call(caller, "Unary", &[], b"x");
    for _ in 0..7 {
        world.call(caller, "Unary", &[], b"x");
    }
    assert_eq!(world.servers().len(), 1);
    world.call(caller, "Unary", &[], b"x");
    assert_eq!(world.servers().len(), 2, "the ninth of ten streams calls for another connection");
    for _ in 0..71 {
        world.call(caller, "Unary", &[], b"x");
    }
    assert_eq!((world.servers().len(), world.request_count()), (8, 80));
    world.call(caller, "Unary", &[], b"x");
    assert_eq!((world.servers().len(), world.request_count()), (8, 80), "eight connections and no more");
    let first = world.servers()[0];
    world.server(first).reply(0, b"y", OK);
    world.run();
    assert_eq!(world.request_count(), 81, "a stream that is free takes the call that waited");
}

#[test]
fn a_drained_connection_is_told_twice_and_closed_with_its_last_call() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let caller = world.caller();
    let early = world.call(caller, "Unary", &[], b"x");
    world.worker.drain(Scope::All);
    world.run();
    assert!(world.peers[&caller].going_away && !world.worker.is_drained());
    world.advance(Duration::from_millis(600));
    let server = world.servers()[0];
    world.server(server).reply(0, b"y", OK);
    // The first of the two is what the caller sees; the reply itself must be whole.
    let seen_before = world.closed.len();
    world.run();
    assert_eq!(seen_before, 0);
    assert!(world.closed.contains(&caller), "{early:?} was the last call");
    assert!(world.worker.is_drained());
}

#[test]
fn draining_inbound_leaves_outbound_alone() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let caller = world.caller();
    world.worker.drain(Scope::Inbound);
    world.advance(Duration::from_secs(2));
    assert!(!world.peers[&caller].going_away);
}

#[test]
fn a_connection_that_never_begins_is_closed_after_ten_seconds() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let silent = world.worker.accept(Listener::Outbound);
    let slow = world.worker.accept(Listener::Outbound);
    world.worker.received(slow, b"PRI * HT");
    world.advance(Duration::from_millis(9_990));
    assert!(world.closed.is_empty());
    world.advance(Duration::from_millis(20));
    world.closed.sort_by_key(|key| key.0);
    assert_eq!(world.closed, [silent, slow]);
}

#[test]
fn a_header_block_that_never_ends_is_given_up_after_five_seconds() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let caller = world.caller();
    // HEADERS of stream 1 without END_HEADERS, one byte of its block.
    world.worker.received(caller, b"\0\0\x01\x01\x00\0\0\0\x01\x83");
    world.advance(Duration::from_millis(4_990));
    assert!(world.closed.is_empty());
    world.advance(Duration::from_millis(20));
    assert_eq!(world.closed, [caller]);
}

#[test]
fn an_idle_connection_is_told_and_closed_after_fifteen_minutes() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let caller = world.caller();
    world.advance(Duration::from_secs(890));
    assert!(world.closed.is_empty());
    world.advance(Duration::from_secs(20));
    assert_eq!(world.closed, [caller]);
    assert_eq!(world.counter(CounterName::ConnectionsClosed, "idle"), 1);
}

#[test]
fn a_broken_rule_ends_that_connection_alone() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let (good, bad) = (world.caller(), world.caller());
    let call = world.call(good, "Unary", &[], b"x");
    world.worker.received(bad, b"\0\0\x01\x00\0\0\0\0\0x");
    world.run();
    assert_eq!(world.closed, [bad]);
    assert_eq!(world.counter(CounterName::ProtocolErrors, "protocol_error"), 1);
    let server = world.servers()[0];
    world.server(server).reply(0, b"y", OK);
    world.run();
    assert_eq!(world.seen(good, call).status(), "0");
}

#[test]
fn a_panic_costs_its_connection_and_is_counted() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let (good, bad) = (world.caller(), world.caller());
    let call = world.call(good, "Unary", &[], b"x");
    world.call(bad, "Unary", &[], b"x");
    world.worker.panicked(Some(bad));
    world.run();
    assert_eq!(world.closed, [bad]);
    assert_eq!(world.counter(CounterName::BrokenByMesh, "panic"), 1);
    let server = world.servers()[0];
    world.server(server).reply(0, b"y", OK);
    world.run();
    assert_eq!(world.seen(good, call).status(), "0");
}

#[test]
fn a_response_of_trailers_alone_keeps_its_fields_in_order() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let caller = world.caller();
    let stream = world.call(caller, "Unary", &[("x-b", "1"), ("x-a", "2"), ("x-b", "3")], b"x");
    let key = world.servers()[0];
    let server = world.server(key);
    let order =
        |list: &[(String, String)]| list.iter().filter(|(n, _)| n.starts_with("x-")).cloned().collect::<Vec<_>>();
    let wanted = [("x-b", "1"), ("x-a", "2"), ("x-b", "3")].map(|(n, v)| (n.to_owned(), v.to_owned()));
    assert_eq!(order(&server.exchanges[&1].head), wanted);
    server.refuse(0, &[("x-b", "1"), ("grpc-status", "5"), ("x-a", "2"), ("x-b", "3")]);
    world.run();
    assert_eq!(order(&world.seen(caller, stream).head), wanted);
}
