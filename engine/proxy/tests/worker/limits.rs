//! What one caller or one server may cost.

use crate::policy::{Policy, breaker, retry};
use crate::world::{Exchange, World, address, fields};
use tulle_http2::Role;
use tulle_mesh::telemetry::CounterName;
use tulle_proxy::proto;
use tulle_proxy::worker::ConnectionKey;

const OK: &[(&str, &str)] = &[("grpc-status", "0")];

#[test]
fn a_head_over_its_limit_is_answered_on_that_stream_alone() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let caller = world.caller();
    let many: Vec<(String, String)> = (0..140).map(|n| (format!("x-{n}"), "1".to_owned())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let refused = world.call(caller, "Unary", &many, b"x");
    let seen = world.seen(caller, refused);
    assert_eq!((seen.status(), seen.reason()), ("8", "header_limit"), "{seen:?}");
    let words = "the request has headers of 146 fields; the limit is 128 (max_header_fields)";
    assert_eq!(seen.text("grpc-message"), words);
    let good = world.call(caller, "Unary", &many[..100], b"x");
    let server = world.servers()[0];
    world.server(server).reply(0, b"y", OK);
    world.run();
    assert_eq!(world.seen(caller, good).status(), "0");
}

#[test]
fn a_reply_over_a_limit_is_resource_exhausted_and_not_internal() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let caller = world.caller();
    let call = world.call(caller, "Unary", &[], b"x");
    let server = world.servers()[0];
    let long = "a".repeat(20_000);
    world.server(server).refuse(0, &[("grpc-status", "0"), ("x-long", &long)]);
    world.run();
    let seen = world.seen(caller, call);
    assert_eq!((seen.status(), seen.reason()), ("8", "header_limit"), "{seen:?}");
}

#[test]
fn trailers_of_twelve_kibibytes_pass_whole() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let caller = world.caller();
    let call = world.call(caller, "Unary", &[], b"x");
    let server = world.servers()[0];
    let long = "a".repeat(12 * 1024);
    world.server(server).reply(0, b"y", &[("grpc-status", "0"), ("grpc-status-details-bin", &long)]);
    world.run();
    assert_eq!(world.seen(caller, call).text("grpc-status-details-bin"), long);
}

#[test]
fn a_call_more_than_may_wait_is_refused() {
    let limit = proto::CircuitBreaker { max_pending: 70, ..breaker() };
    let mut world = World::new(&Policy::to(&[address(1)]).service(|service| service.circuit_breaker = Some(limit)));
    world.unanswered.insert(address(1));
    let callers = [world.caller(), world.caller()];
    let waiting: Vec<_> = (0..70).map(|n| world.call(callers[n / 35], "Unary", &[], b"x")).collect();
    let refused = world.call(callers[1], "Unary", &[], b"x");
    let seen = world.seen(callers[1], refused);
    assert_eq!((seen.status(), seen.reason()), ("8", "queue_full"), "{seen:?}");
    assert_eq!(seen.text("grpc-message"), "70 calls wait for shop/echo, as many as circuitBreaker.maxPending lets");
    assert!(!world.seen(callers[0], waiting[0]).ended);
}

/// The default lets as many wait as may be in flight.
#[test]
fn hundreds_of_calls_wait_for_their_first_connection() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    world.unanswered.insert(address(1));
    let callers: Vec<_> = (0..10).map(|_| world.caller()).collect();
    let calls: Vec<_> = (0..500).map(|n| (callers[n % 10], world.call(callers[n % 10], "Unary", &[], b"x"))).collect();
    world.unanswered.clear();
    world.answer();
    world.run();
    answer_all(&mut world);
    assert!(calls.iter().all(|(caller, call)| world.seen(*caller, *call).status() == "0"));
}

fn answer_all(world: &mut World) {
    while world.request_count() > 0 {
        for key in world.servers() {
            let server = world.server(key);
            (0..server.exchanges.len()).for_each(|nth| server.reply(nth, b"y", OK));
            server.exchanges.clear();
        }
        world.run();
    }
}

#[test]
fn a_request_over_the_replay_buffer_is_not_tried_again_and_that_is_counted() {
    let policy = Policy::to(&[address(1)]).route(|route| route.retry = Some(retry(3)));
    let mut world = World::new(&policy);
    let caller = world.caller();
    let call = world.call(caller, "Unary", &[], &[0; 100_000]);
    let server = world.servers()[0];
    assert_eq!(world.server(server).exchanges[&1].bytes, 100_000);
    world.server(server).refuse(0, &[("grpc-status", "14")]);
    world.run();
    assert_eq!(world.seen(caller, call).status(), "14");
    assert_eq!(world.counter(CounterName::RetriesSkipped, "buffer"), 1);
}

#[test]
fn a_limit_is_counted_once_a_connection_however_often_it_is_passed() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let callers = [world.caller(), world.caller()];
    let long = "a".repeat(17_000);
    for caller in callers {
        for _ in 0..3 {
            world.call(caller, "Unary", &[("x-long", &long)], b"x");
        }
    }
    assert_eq!(world.counter(CounterName::LimitsExceeded, "header_list_bytes"), 2);
}

#[test]
fn a_callers_trailers_over_a_limit_are_said_to_be_the_callers() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let caller = world.caller();
    let list = [(":method", "POST"), (":scheme", "http"), (":path", "/t.Echo/Upload"), (":authority", "echo.shop")];
    let codec = &mut world.server(caller).codec;
    let stream = codec.open(tulle_http2::Token(1), &fields(&list), false).expect("a stream");
    codec.send_headers(stream, &fields(&[("x-long", &"a".repeat(17_000))]), true);
    world.run();
    let seen = world.seen(caller, stream);
    assert_eq!((seen.status(), seen.reason()), ("8", "header_limit"), "{seen:?}");
    let words = "the request has trailers of 17,038 bytes; the limit is 16,384 (max_header_list_bytes)";
    assert_eq!(seen.text("grpc-message"), words);
}

#[test]
fn a_request_at_the_limit_passes_both_hops_with_the_fields_that_the_first_adds() {
    let limits = tulle_proxy::Limits::try_from(&tulle_proxy::proto::Limits::default()).expect("the defaults");
    let (first, second) = (limits.http2(Role::Server), limits.http2_of_sidecar(Role::Server));
    assert!(second.header_limits.max_fields >= first.header_limits.max_fields + 2);
    let own = 2 * 32 + "traceparent".len() + 55 + "grpc-previous-rpc-attempts".len() + 1;
    assert!(second.header_limits.max_list_bytes as usize >= first.header_limits.max_list_bytes as usize + own);
}

/// What the application at the callee answers with `fields` more than its status, as the caller has it.
fn answer_with(more: &[(&str, &str)], world: &mut World, caller: ConnectionKey) -> Exchange {
    let call = world.call(caller, "Unary", &[], b"x");
    let application = world.servers()[0];
    let list: Vec<_> = [("grpc-status", "9"), ("grpc-message", "own")].iter().chain(more).copied().collect();
    let nth = world.server(application).exchanges.len() - 1;
    world.server(application).reply(nth, b"y", &list);
    world.run();
    world.seen(caller, call)
}

#[test]
fn an_answer_over_a_limit_names_the_limit_and_the_applications_own_status() {
    let mut world = World::callee();
    let caller = world.sidecar();
    let seen = answer_with(&[("x-big", &"a".repeat(20_000))], &mut world, caller);
    assert_eq!((seen.status(), seen.reason()), ("8", "header_limit"), "{seen:?}");
    let words = "the application at 127.0.0.1:1 answered FAILED_PRECONDITION with trailers of 20,128 bytes; \
                 the limit is 16,384 (max_header_list_bytes)";
    assert_eq!(seen.text("grpc-message"), words);
}

#[test]
fn an_answer_of_too_many_fields_says_how_many_and_whose() {
    let mut world = World::callee();
    let caller = world.sidecar();
    let many: Vec<(String, String)> = (0..200).map(|n| (format!("x-{n}"), "1".to_owned())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let seen = answer_with(&many, &mut world, caller);
    let words = "the application at 127.0.0.1:1 answered FAILED_PRECONDITION with trailers of 202 fields; \
                 the limit is 128 (max_header_fields)";
    assert_eq!(seen.text("grpc-message"), words);
}

#[test]
fn calls_beside_an_answer_over_a_limit_go_on() {
    let mut world = World::callee();
    let caller = world.sidecar();
    let beside = world.call(caller, "Unary", &[], b"x");
    answer_with(&[("x-big", &"a".repeat(70_000))], &mut world, caller);
    let application = world.servers()[0];
    world.server(application).reply(0, b"y", OK);
    world.run();
    assert_eq!(world.seen(caller, beside).status(), "0");
}

/// The second hop takes what the first has let through, with what that added.
#[test]
fn an_answer_at_the_limit_passes_both_hops() {
    let limit = 16_384;
    for over in [0, 100] {
        let mut world = World::new(&Policy::to(&[address(1)]));
        let caller = world.caller();
        let call = world.call(caller, "Unary", &[], b"x");
        let server = world.servers()[0];
        let own = [("grpc-status", "9"), ("x-big", "")].iter().map(|(n, v)| n.len() + v.len() + 32).sum::<usize>();
        let big = "a".repeat(limit - own + over);
        world.server(server).reply(0, b"y", &[("grpc-status", "9"), ("x-big", &big)]);
        world.run();
        assert_eq!(world.seen(caller, call).status(), "9", "{over} bytes over the limit of the first hop");
    }
}

#[test]
fn a_refusal_at_the_callee_says_who_called() {
    let mut policy = World::callee_policy();
    let inbound = policy.snapshot.inbound.as_mut().expect("an inbound side");
    inbound.circuit_breaker = Some(proto::CircuitBreaker { max_requests: 1, ..breaker() });
    let mut world = World::callee_under(&policy);
    let caller = world.sidecar();
    world.call(caller, "Unary", &[], b"x");
    let refused = world.call(caller, "Unary", &[], b"x");
    let words = "1 calls are in flight to the application, as many as circuitBreaker.maxRequests lets; \
                 this one is from spiffe://shop.local/shop/front";
    assert_eq!(world.seen(caller, refused).text("grpc-message"), words);
}

#[test]
fn limits_outside_their_range_are_refused_by_name() {
    let refused = |limits: tulle_proxy::proto::Limits| {
        tulle_proxy::Limits::try_from(&limits).expect_err("out of range").to_string()
    };
    let wire = tulle_proxy::proto::Limits::default;
    let streams = refused(tulle_proxy::proto::Limits { max_concurrent_streams: 20_000, ..wire() });
    assert!(streams.contains("max_concurrent_streams: 20000 is not from 1 to 10000"), "{streams}");
    let stall = Some(prost_types::Duration { seconds: 0, nanos: 5 });
    let stall = refused(tulle_proxy::proto::Limits { stall_timeout: stall, ..wire() });
    assert!(stall.contains("stall_timeout: 0.000000005 s is not from 0.1 to 86400 s"), "{stall}");
}
