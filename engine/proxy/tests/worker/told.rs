//! What the worker does by itself is told, once each; what others do is not.

use crate::policy::{Policy, retry};
use crate::world::{World, address, fields};
use std::time::Duration;
use tulle_http2::{ErrorCode, Token};
use tulle_mesh::proto::{EngineEvent, EventKind};
use tulle_mesh::telemetry::{Collector, CounterName};

const OK: &[(&str, &str)] = &[("grpc-status", "0")];

/// What was told since the last time.
fn told(world: &mut World) -> Vec<EngineEvent> {
    let (mut collector, now) = (Collector::new(1), world.now);
    collector.absorb(&mut world.worker.telemetry, now);
    collector.take_events(None, 1, now).events
}

/// The calls that were ended, by reason, method and status, and whether it was the mesh's fault.
fn ended(world: &mut World) -> Vec<(String, String, u32, bool)> {
    let ended = told(world).into_iter().filter(|event| event.kind() == EventKind::CallEnded);
    ended.map(|event| (event.reason, event.method, event.grpc_status, event.mesh_fault)).collect()
}

fn one(reason: &str, method: &str, status: u32, mesh_fault: bool) -> Vec<(String, String, u32, bool)> {
    vec![(reason.into(), method.into(), status, mesh_fault)]
}

fn once() -> Policy {
    Policy::to(&[address(1)]).route(|route| route.retry = Some(retry(1)))
}

fn broken(world: &World) -> u64 {
    let counters = world.worker.telemetry.counters.iter();
    counters.filter(|(name, _, _)| *name == CounterName::BrokenByMesh).map(|(_, _, value)| value).sum()
}

#[test]
fn calls_that_end_by_themselves_are_not_told() {
    let mut world = World::new(&once());
    let caller = world.caller();
    world.call(caller, "Unary", &[], b"x");
    let server = world.servers()[0];
    world.server(server).reply(0, b"y", OK);
    world.run();
    world.call(caller, "Unary", &[], b"x");
    world.server(server).refuse(1, &[("grpc-status", "13"), ("grpc-message", "own failure")]);
    world.run();
    let cancelled = world.call(caller, "Unary", &[], b"x");
    world.server(caller).codec.reset(cancelled, ErrorCode::CANCEL);
    world.run();
    assert_eq!(told(&mut world), []);
    assert_eq!(broken(&world), 0);
}

#[test]
fn a_call_past_its_deadline_is_told_in_the_words_that_its_caller_gets() {
    let mut world = World::new(&once());
    let caller = world.caller();
    let call = world.call(caller, "Unary", &[("grpc-timeout", "300m")], b"x");
    world.advance(Duration::from_millis(301));
    let events = told(&mut world);
    let [event] = &events[..] else { panic!("one event: {events:?}") };
    assert_eq!((event.kind(), &*event.reason, event.grpc_status), (EventKind::CallEnded, "deadline", 4));
    assert_eq!((&*event.method, &*event.peer, event.mesh_fault), ("t.Echo/Unary", "shop/echo", false));
    assert_eq!(event.text, world.seen(caller, call).text("grpc-message"));
    assert_eq!(event.time_unix_nano, 1_300_000_000);
}

#[test]
fn a_request_that_is_refused_is_told() {
    let mut world = World::new(&once().service(|service| service.authorities = vec!["other.shop".into()]));
    let caller = world.caller();
    world.call(caller, "Unary", &[], b"x");
    let events = told(&mut world);
    let [event] = &events[..] else { panic!("one event: {events:?}") };
    assert_eq!((event.kind(), &*event.method), (EventKind::CallEnded, "t.Echo/Unary"));
    assert!(event.text.contains("echo.shop"), "{}", event.text);
}

#[test]
fn a_service_without_endpoints_is_told() {
    let mut world = World::new(&Policy::to(&[]));
    let caller = world.caller();
    world.call(caller, "Unary", &[], b"x");
    assert_eq!(ended(&mut world), one("no_endpoints", "t.Echo/Unary", 14, false));
}

#[test]
fn an_endpoint_that_cannot_be_reached_is_told() {
    let mut world = World::new(&once());
    world.dead.insert(address(1));
    let caller = world.caller();
    world.call(caller, "Unary", &[], b"x");
    world.advance(Duration::from_secs(1));
    assert_eq!(ended(&mut world), one("connect_failed", "t.Echo/Unary", 14, false));
}

#[test]
fn a_stream_that_the_server_resets_is_told() {
    let mut world = World::new(&once());
    let caller = world.caller();
    world.call(caller, "Unary", &[], b"x");
    let server = world.servers()[0];
    let stream = world.server(server).request(0);
    world.server(server).codec.reset(stream, ErrorCode::INTERNAL_ERROR);
    world.run();
    assert_eq!(ended(&mut world), one("upstream_reset", "t.Echo/Unary", 13, false));
}

#[test]
fn a_lost_connection_is_told_with_its_calls_and_each_of_them() {
    let mut world = World::new(&once());
    let caller = world.caller();
    for _ in 0..3 {
        world.call(caller, "Unary", &[], b"x");
    }
    world.kill(world.servers()[0]);
    let events = told(&mut world);
    let of = |kind: EventKind| events.iter().filter(|event| event.kind() == kind).collect::<Vec<_>>();
    assert_eq!(of(EventKind::CallEnded).len(), 3);
    let [lost] = of(EventKind::ConnectionLost)[..] else { panic!("one connection: {events:?}") };
    assert_eq!((&*lost.reason, &*lost.peer), ("peer", "shop/echo-0"));
    assert!(lost.text.contains("127.0.0.1:1") && lost.text.ends_with("calls on it: 3"), "{}", lost.text);
}

#[test]
fn a_connection_that_is_lost_without_calls_is_not_told() {
    let mut world = World::new(&once());
    let caller = world.caller();
    world.call(caller, "Unary", &[], b"x");
    let server = world.servers()[0];
    world.server(server).reply(0, b"y", OK);
    world.run();
    world.kill(server);
    assert_eq!(told(&mut world), []);
}

#[test]
fn a_caller_that_leaves_ends_its_calls_itself() {
    let mut world = World::new(&once());
    let caller = world.caller();
    world.call(caller, "Unary", &[], b"x");
    world.kill(caller);
    let kinds: Vec<_> = told(&mut world).iter().map(EngineEvent::kind).collect();
    assert_eq!(kinds, [EventKind::ConnectionLost]);
}

#[test]
fn calls_of_a_caller_who_broke_http2_are_each_told() {
    let mut world = World::new(&once());
    let caller = world.caller();
    world.call(caller, "Unary", &[], b"x");
    world.worker.received(caller, b"\0\0\x01\x00\0\0\0\0\0x");
    world.run();
    assert_eq!(ended(&mut world), one("protocol", "t.Echo/Unary", 1, false));
}

#[test]
fn a_malformed_request_is_told_with_field_and_rule() {
    let mut world = World::new(&once());
    let caller = world.caller();
    let list = [(":method", "POST"), (":scheme", "http"), (":path", "/t.Echo/Unary"), ("x-bad", "a\nb")];
    world.server(caller).codec.open(Token(1), &fields(&list), true).expect("a stream");
    world.run();
    let events = told(&mut world);
    let [event] = &events[..] else { panic!("one event: {events:?}") };
    assert_eq!((event.kind(), &*event.reason), (EventKind::CallEnded, "malformed"));
    assert!(event.text.contains("x-bad"), "{}", event.text);
}

#[test]
fn a_limit_is_told_once_a_connection_and_the_call_that_it_cost() {
    let mut world = World::new(&once());
    let caller = world.caller();
    let big = "b".repeat(20_000);
    for _ in 0..2 {
        world.call(caller, "Unary", &[("x-big", &big)], b"x");
    }
    let events = told(&mut world);
    let of = |kind: EventKind| events.iter().filter(|event| event.kind() == kind).count();
    assert_eq!((of(EventKind::CallEnded), of(EventKind::Limit)), (2, 1), "{events:?}");
}

#[test]
fn bytes_that_nobody_understands_are_told() {
    let mut world = World::new(&once());
    let caller = world.caller();
    let other = world.worker.accept(tulle_proxy::worker::Listener::Outbound);
    world.worker.received(other, b"GET / HTTP/1.1\r\n\r\n");
    world.run();
    let events = told(&mut world);
    let [event] = &events[..] else { panic!("one event: {events:?}") };
    assert_eq!((event.kind(), &*event.reason), (EventKind::ConnectionRefused, "preface"));
    assert!(world.worker.connection_count() >= 1, "{caller:?}");
}

#[test]
fn a_stop_that_breaks_calls_off_tells_and_counts_each_once() {
    let mut world = World::new(&once());
    let caller = world.caller();
    for _ in 0..3 {
        world.call(caller, "Unary", &[], b"x");
    }
    world.worker.abandon();
    assert_eq!(world.counter(CounterName::BrokenByMesh, "shutdown"), 3);
    assert_eq!(broken(&world), 3);
    assert_eq!(ended(&mut world), vec![one("shutdown", "t.Echo/Unary", 14, true); 3].concat());
}

#[test]
fn a_fault_of_ours_at_a_server_is_the_meshs_and_not_the_servers() {
    let mut world = World::new(&once());
    let caller = world.caller();
    let call = world.call(caller, "Unary", &[], b"x");
    let server = world.servers()[0];
    world.worker.panicked(Some(server));
    world.run();
    assert_eq!(world.seen(caller, call).status(), "14");
    assert_eq!(world.counter(CounterName::BrokenByMesh, "panic"), 1);
    assert_eq!(ended(&mut world), one("panic", "t.Echo/Unary", 14, true));
    let snapshot = world.snapshot.clone().expect("a snapshot");
    let cell = &snapshot.cluster("shop/echo").expect("a cluster").endpoints()[0];
    assert_eq!((cell.failures(), cell.successes()), (0, 0));
}

#[test]
fn a_call_that_is_tried_again_is_told_only_when_it_ends() {
    let mut world = World::new(&Policy::to(&[address(1), address(2)]).route(|route| route.idempotent = true));
    let caller = world.caller();
    let call = world.call(caller, "Unary", &[], b"x");
    world.kill(world.servers()[0]);
    world.advance(Duration::from_millis(60));
    let second = world.servers()[0];
    world.server(second).reply(0, b"y", OK);
    world.run();
    assert_eq!(world.seen(caller, call).status(), "0");
    assert_eq!(ended(&mut world), []);
}

#[test]
fn a_flood_of_refusals_is_ten_events_and_a_right_count() {
    let mut world = World::new(&Policy::to(&[]));
    let caller = world.caller();
    for _ in 0..60 {
        world.call(caller, "Unary", &[], b"x");
    }
    let (mut collector, now) = (Collector::new(1), world.now);
    collector.absorb(&mut world.worker.telemetry, now);
    let events = collector.take_events(None, 1, now);
    let left_out: Vec<_> = events.left_out.iter().map(|one| (&*one.reason, one.count)).collect();
    assert_eq!((events.events.len(), left_out), (10, vec![("no_endpoints", 50)]));
}
