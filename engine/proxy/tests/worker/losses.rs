//! Servers that refuse, go away or die, and what becomes of their calls.

use crate::policy::{Policy, retry};
use crate::world::{World, address, fields};
use std::time::Duration;
use tulle_http2::{ErrorCode, Token};
use tulle_mesh::telemetry::CounterName;

const OK: &[(&str, &str)] = &[("grpc-status", "0")];

#[test]
fn a_call_whose_connection_is_lost_is_not_made_twice_where_it_may_not() {
    let mut world = World::new(&Policy::to(&[address(1), address(2)]));
    let caller = world.caller();
    let call = world.call(caller, "Unary", &[], b"x");
    let server = world.servers()[0];
    world.kill(server);
    let seen = world.seen(caller, call);
    assert_eq!((seen.status(), seen.reason()), ("14", "upstream_reset"), "{seen:?}");
    assert_eq!(world.request_count(), 0);
    assert_eq!(world.counter(CounterName::RetriesSkipped, "not_idempotent"), 1);
}

#[test]
fn an_idempotent_call_whose_connection_is_lost_is_made_again_elsewhere() {
    let mut world = World::new(&Policy::to(&[address(1), address(2)]).route(|route| route.idempotent = true));
    let caller = world.caller();
    let call = world.call(caller, "Unary", &[], b"once more");
    let first = world.servers()[0];
    let tried = world.server(first).address;
    world.kill(first);
    world.advance(Duration::from_millis(30));
    let second = world.servers()[0];
    assert_ne!(world.server(second).address, tried);
    assert_eq!(world.server(second).exchanges[&1].bytes, 9);
    world.server(second).reply(0, b"y", OK);
    world.run();
    assert_eq!(world.seen(caller, call).status(), "0");
}

#[test]
fn what_the_caller_ended_with_goes_up_again_with_its_call() {
    let mut world = World::new(&Policy::to(&[address(1), address(2)]).route(|route| route.idempotent = true));
    let caller = world.caller();
    let list = [(":method", "POST"), (":scheme", "http"), (":path", "/t.Echo/Unary"), (":authority", "echo.shop")];
    let codec = &mut world.server(caller).codec;
    let stream = codec.open(Token(1), &fields(&list), false).expect("a stream");
    codec.send_data(stream, b"x", false);
    world.run();
    world.server(caller).codec.send_headers(stream, &fields(&[("x-end", "yes")]), true);
    world.run();
    world.kill(world.servers()[0]);
    world.advance(Duration::from_millis(30));
    let second = world.servers()[0];
    let request = &world.peers[&second].exchanges[&1];
    assert_eq!((request.ended, request.bytes, request.text("x-end")), (true, 1, "yes"));
}

#[test]
fn a_call_whose_head_was_never_written_is_made_again_whatever_its_method() {
    let mut world = World::new(&Policy::to(&[address(1), address(2)]));
    let caller = world.caller();
    let warm = world.call(caller, "Unary", &[], b"x");
    let first = world.servers()[0];
    world.server(first).reply(0, b"y", OK);
    world.run();
    assert_eq!(world.seen(caller, warm).status(), "0");
    // Round robin: the next goes to the second endpoint, the one after it to the first again.
    world.call(caller, "Unary", &[], b"x");
    world.server(first).silent = true;
    let call = world.call(caller, "Unary", &[], b"x");
    world.kill(first);
    world.advance(Duration::from_millis(30));
    assert!(!world.seen(caller, call).ended, "it is on its way to the second");
    assert_eq!(world.request_count(), 2);
}

#[test]
fn a_server_that_goes_away_keeps_its_calls_and_gets_no_new_ones() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let caller = world.caller();
    let old = world.call(caller, "Unary", &[], b"x");
    let first = world.servers()[0];
    world.server(first).codec.shutdown();
    world.run();
    let new = world.call(caller, "Unary", &[], b"x");
    let second = *world.servers().iter().find(|key| **key != first).expect("another connection");
    world.server(second).reply(0, b"y", OK);
    world.server(first).reply(0, b"y", OK);
    world.run();
    assert_eq!((world.seen(caller, old).status(), world.seen(caller, new).status()), ("0", "0"));
    assert_eq!(world.closed, [first]);
}

#[test]
fn a_refused_stream_goes_elsewhere_at_once_and_spends_no_budget() {
    let policy = Policy::to(&[address(1), address(2)]).route(|route| route.retry = Some(retry(1)));
    let mut world = World::new(&policy);
    let caller = world.caller();
    let call = world.call(caller, "Unary", &[], b"x");
    let first = world.servers()[0];
    let stream = world.server(first).request(0);
    world.server(first).codec.reset(stream, ErrorCode::REFUSED_STREAM);
    world.run();
    let second = *world.servers().iter().find(|key| **key != first).expect("another connection");
    world.server(second).reply(0, b"y", OK);
    world.run();
    assert_eq!(world.seen(caller, call).status(), "0");
}

#[test]
fn a_negative_pushback_is_obeyed() {
    let mut world = World::new(&Policy::to(&[address(1)]).route(|route| route.idempotent = true));
    let caller = world.caller();
    let call = world.call(caller, "Unary", &[], b"x");
    let server = world.servers()[0];
    world.server(server).refuse(0, &[("grpc-status", "14"), ("grpc-retry-pushback-ms", "-1")]);
    world.advance(Duration::from_millis(500));
    assert_eq!(world.seen(caller, call).status(), "14");
    assert_eq!(world.counter(CounterName::RetriesSkipped, "pushback"), 1);
}

#[test]
fn a_server_that_cannot_be_reached_fails_all_who_wait_and_loses_none() {
    let mut world = World::new(&Policy::to(&[address(1), address(2)]));
    world.dead.insert(address(1));
    let caller = world.caller();
    let calls: Vec<_> = (0..20).map(|_| world.call(caller, "Unary", &[], b"x")).collect();
    let server = world.servers()[0];
    for nth in 0..20 {
        world.server(server).reply(nth, b"y", OK);
    }
    world.run();
    assert!(calls.iter().all(|call| world.seen(caller, *call).status() == "0"));
    assert_eq!(world.worker.calls_in_flight(), 0);
}

#[test]
fn a_full_server_that_takes_no_more_connections_is_not_asked_without_end() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    world.server_streams = 5;
    let caller = world.caller();
    world.call(caller, "Unary", &[], b"x");
    world.dead.insert(address(1));
    for _ in 0..9 {
        world.call(caller, "Unary", &[], b"x");
    }
    assert_eq!(world.request_count(), 5);
    assert!(world.closed.len() <= 2, "{} connections were tried", world.closed.len());
    world.dead.clear();
    world.advance(Duration::from_millis(1_100));
    world.call(caller, "Unary", &[], b"x");
    assert_eq!(world.request_count(), 11, "later it is asked again");
}

#[test]
fn a_caller_that_vanishes_takes_its_calls_with_it() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let caller = world.caller();
    world.call(caller, "Unary", &[], b"x");
    world.kill(caller);
    let server = world.servers()[0];
    assert_eq!(world.server(server).exchanges[&1].reset, Some(ErrorCode::CANCEL));
    assert_eq!(world.worker.calls_in_flight(), 0);
}
