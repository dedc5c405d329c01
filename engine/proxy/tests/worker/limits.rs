//! What one caller or one server may cost.

use crate::policy::{Policy, retry};
use crate::world::{World, address};
use tulle_mesh::telemetry::CounterName;

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
    let long = "a".repeat(17_000);
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
fn the_hundred_and_first_call_that_waits_is_refused() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    world.unanswered.insert(address(1));
    let callers = [world.caller(), world.caller()];
    let waiting: Vec<_> = (0..100).map(|n| world.call(callers[n / 50], "Unary", &[], b"x")).collect();
    let refused = world.call(callers[1], "Unary", &[], b"x");
    let seen = world.seen(callers[1], refused);
    assert_eq!((seen.status(), seen.reason()), ("8", "queue_full"), "{seen:?}");
    assert!(!world.seen(callers[0], waiting[0]).ended);
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
