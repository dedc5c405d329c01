//! What time does: deadlines, attempts, queues.

use crate::policy::{Policy, millis, retry};
use crate::world::{World, address, fields};
use std::time::Duration;
use tulle_http2::{ErrorCode, StreamId};
use tulle_proxy::proto::Method;
use tulle_proxy::worker::ConnectionKey;

const OK: &[(&str, &str)] = &[("grpc-status", "0")];

fn unary(policy: Policy) -> Policy {
    let method = Method { path: "/t.Echo/Unary".into(), ..Default::default() };
    policy.service(|service| service.methods = vec![method])
}

/// An attempt may take 100 ms.
fn hurried() -> Policy {
    Policy::to(&[address(1)]).route(|route| route.per_try_timeout = Some(millis(100)))
}

#[test]
fn a_deadline_ends_the_call_on_the_millisecond_and_cancels_upstream() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let caller = world.caller();
    let call = world.call(caller, "Unary", &[("grpc-timeout", "300m")], b"x");
    world.advance(Duration::from_millis(299));
    assert!(!world.seen(caller, call).ended);
    world.advance(Duration::from_millis(2));
    let seen = world.seen(caller, call);
    assert_eq!((seen.status(), seen.reason()), ("4", "deadline"));
    let server = world.servers()[0];
    assert_eq!(world.server(server).exchanges[&1].reset, Some(ErrorCode::CANCEL));
}

#[test]
fn a_declared_unary_call_without_a_deadline_gets_none_from_the_mesh() {
    let mut world = World::new(&unary(Policy::to(&[address(1)])));
    let caller = world.caller();
    let call = world.call(caller, "Unary", &[], b"x");
    let server = world.servers()[0];
    assert_eq!(world.server(server).exchanges[&1].text("grpc-timeout"), "", "the application sees no new field");
    world.advance(Duration::from_secs(90));
    assert!(!world.seen(caller, call).ended);
    world.server(server).reply(0, b"y", OK);
    world.run();
    assert_eq!(world.seen(caller, call).status(), "0");
}

#[test]
fn an_attempt_over_its_own_time_is_made_again_where_policy_lists_the_code() {
    let policy = unary(Policy::to(&[address(1), address(2)]).route(|route| {
        route.per_try_timeout = Some(millis(100));
        route.idempotent = true;
        route.retry = Some(tulle_proxy::proto::Retry { status_codes: vec![4], ..retry(2) });
    }));
    let mut world = World::new(&policy);
    let caller = world.caller();
    let call = world.call(caller, "Unary", &[("grpc-timeout", "2S")], b"x");
    let first = world.servers()[0];
    assert_eq!(world.server(first).exchanges[&1].text("grpc-timeout"), "100000u");
    world.advance(Duration::from_millis(160));
    assert_eq!(world.server(first).exchanges[&1].reset, Some(ErrorCode::CANCEL));
    let second = *world.servers().iter().find(|key| **key != first).expect("another connection");
    assert_eq!(world.server(second).exchanges[&1].text("grpc-previous-rpc-attempts"), "1");
    world.server(second).reply(0, b"y", OK);
    world.run();
    assert_eq!(world.seen(caller, call).status(), "0");
}

/// Status and reason of a call whose server resets it with CANCEL so many milliseconds after it began.
fn cancelled_after(ms: u64, timeout: &str, policy: &Policy) -> (String, String) {
    let mut world = World::new(policy);
    let caller = world.caller();
    let call = world.call(caller, "Unary", &[("grpc-timeout", timeout)], b"x");
    world.advance(Duration::from_millis(ms));
    let server = world.servers()[0];
    let stream = world.server(server).request(0);
    world.server(server).codec.reset(stream, ErrorCode::CANCEL);
    world.run();
    let seen = world.seen(caller, call);
    (seen.status().into(), seen.reason().into())
}

#[test]
fn a_server_whose_clock_rings_a_little_before_ours_ends_the_call_by_its_deadline() {
    let ended = cancelled_after(298, "300m", &Policy::to(&[address(1)]));
    assert_eq!(ended, ("4".into(), "deadline".into()));
}

#[test]
fn a_server_that_cancels_while_there_is_time_has_cancelled() {
    let ended = cancelled_after(200, "300m", &Policy::to(&[address(1)]));
    assert_eq!(ended, ("1".into(), "upstream_reset".into()));
}

#[test]
fn a_server_that_keeps_the_attempts_own_time_ends_the_attempt_by_it() {
    let policy = unary(hurried());
    assert_eq!(cancelled_after(98, "2S", &policy), ("4".into(), "deadline".into()));
    assert_eq!(cancelled_after(50, "2S", &policy), ("1".into(), "upstream_reset".into()));
}

#[test]
fn a_server_that_was_not_told_the_attempts_time_has_cancelled_by_itself() {
    assert_eq!(cancelled_after(98, "2S", &hurried()), ("1".into(), "upstream_reset".into()));
}

/// A stream whose answer has begun, and what its server was told of the time.
fn begun(timeout: &[(&str, &str)], policy: &Policy) -> (World, ConnectionKey, StreamId, String) {
    let mut world = World::new(policy);
    let caller = world.caller();
    let call = world.call(caller, "Stream", timeout, b"x");
    let key = world.servers()[0];
    let server = world.server(key);
    let told = server.exchanges[&1].text("grpc-timeout").to_owned();
    let stream = server.request(0);
    server.codec.send_headers(stream, &fields(&[(":status", "200")]), false);
    server.codec.send_data(stream, b"y", false);
    world.run();
    (world, caller, call, told)
}

#[test]
fn a_stream_outlives_the_time_of_its_attempt_once_its_answer_has_begun() {
    let (mut world, caller, call, told) = begun(&[("grpc-timeout", "60S")], &hurried());
    assert_eq!(told, "60000000u", "the attempt's time is told to unary methods only");
    world.advance(Duration::from_secs(5));
    assert!(!world.seen(caller, call).ended);
    let key = world.servers()[0];
    let server = world.server(key);
    let stream = server.request(0);
    server.codec.send_headers(stream, &fields(OK), true);
    world.run();
    assert_eq!(world.seen(caller, call).status(), "0");
}

#[test]
fn a_stream_that_does_not_answer_in_the_time_of_its_attempt_ends() {
    let mut world = World::new(&hurried());
    let caller = world.caller();
    let call = world.call(caller, "Stream", &[], b"x");
    world.advance(Duration::from_millis(101));
    assert_eq!((world.seen(caller, call).status(), world.seen(caller, call).reason()), ("4", "deadline"));
}

#[test]
fn a_deadline_that_ends_a_stream_with_answers_says_so() {
    let (mut world, caller, call, _) = begun(&[("grpc-timeout", "300m")], &Policy::to(&[address(1)]));
    world.advance(Duration::from_millis(302));
    let seen = world.seen(caller, call);
    let message = seen.text("grpc-message");
    assert!(message.contains("during the answer of shop/echo at 127.0.0.1:1"), "{message}");
}

#[test]
fn a_call_that_came_too_late_was_never_attempted() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let caller = world.caller();
    let call = world.call(caller, "Unary", &[("grpc-timeout", "0n")], b"x");
    let seen = world.seen(caller, call);
    assert_eq!((seen.status(), seen.reason()), ("4", "deadline"), "{seen:?}");
    let words = "deadline passed in the caller's sidecar after 0.0 ms, before any attempt";
    assert_eq!(seen.text("grpc-message"), words);
}

#[test]
fn a_timeout_that_is_none_goes_on_as_it_is_and_ends_nothing() {
    for odd in ["100000000m", "1s", "5 S", "", "-1S"] {
        let mut world = World::new(&Policy::to(&[address(1)]));
        let caller = world.caller();
        let call = world.call(caller, "Unary", &[("grpc-timeout", odd)], b"x");
        let server = world.servers()[0];
        assert_eq!(world.server(server).exchanges[&1].text("grpc-timeout"), odd);
        world.advance(Duration::from_secs(90));
        world.server(server).reply(0, b"y", OK);
        world.run();
        assert_eq!(world.seen(caller, call).status(), "0");
    }
}

#[test]
fn a_call_waits_three_seconds_for_a_connection_and_then_tries_another_endpoint() {
    let mut world = World::new(&Policy::to(&[address(1), address(2)]));
    world.unanswered.insert(address(1));
    world.unanswered.insert(address(2));
    let caller = world.caller();
    let call = world.call(caller, "Unary", &[], b"x");
    world.unanswered.clear();
    world.advance(Duration::from_millis(2_990));
    assert_eq!(world.request_count(), 0);
    world.advance(Duration::from_millis(20));
    let server = world.servers()[0];
    world.server(server).reply(0, b"y", OK);
    world.run();
    assert_eq!(world.seen(caller, call).status(), "0");
}

#[test]
fn a_held_head_of_an_unknown_method_goes_out_soon() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let caller = world.caller();
    let call = world.call(caller, "Stream", &[], b"x");
    let key = world.servers()[0];
    let server = world.server(key);
    let stream = server.request(0);
    server.codec.send_headers(stream, &crate::world::fields(&[(":status", "200"), ("x-initial", "1")]), false);
    world.run();
    assert!(world.seen(caller, call).head.is_empty());
    world.advance(Duration::from_millis(101));
    assert_eq!(world.seen(caller, call).text("x-initial"), "1");
}

#[test]
fn a_caller_that_takes_nothing_hears_of_its_deadline_all_the_same() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let caller = world.caller();
    world.server(caller).reads = false;
    let call = world.call(caller, "Stream", &[("grpc-timeout", "300m")], b"x");
    let key = world.servers()[0];
    let server = world.server(key);
    let stream = server.request(0);
    server.codec.send_headers(stream, &crate::world::fields(&[(":status", "200")]), false);
    server.codec.send_data(stream, &[1; 100_000], false);
    world.run();
    world.advance(Duration::from_millis(302));
    assert_eq!(world.seen(caller, call).reset, Some(ErrorCode::CANCEL), "the status waits behind what is not taken");
    assert_eq!(world.worker.calls_in_flight(), 0);
}
