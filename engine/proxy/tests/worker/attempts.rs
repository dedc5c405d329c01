//! A call is executed no oftener than policy lets, over all hops: what each hop tells the others of its attempts.

use crate::policy::{Policy, cluster, retry};
use crate::world::{Exchange, World, address};
use std::time::Duration;
use tulle_proxy::worker::ConnectionKey;

const PREVIOUS: &str = "grpc-previous-rpc-attempts";
const PUSHBACK: &str = "grpc-retry-pushback-ms";
const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

fn tried(attempts: u32) -> Policy {
    Policy::to(&[address(1)]).route(|route| {
        route.idempotent = true;
        route.retry = Some(retry(attempts));
    })
}

/// Lets the servers at `address(port)` answer every request with `code` as long as one comes; the values of `PREVIOUS`
/// that they were sent.
fn fail_all(world: &mut World, port: u16, code: &str) -> Vec<String> {
    let mut seen = Vec::new();
    for _ in 0..20 {
        for key in world.servers() {
            let server = world.server(key);
            if server.address != Some(address(port)) {
                continue;
            }
            let asked: Vec<Exchange> = server.exchanges.values().cloned().collect();
            (0..asked.len()).for_each(|nth| server.refuse(nth, &[("grpc-status", code), ("grpc-message", "own")]));
            server.exchanges.clear();
            seen.extend(asked.iter().map(|one| one.text(PREVIOUS).to_owned()));
        }
        world.advance(Duration::from_millis(60));
    }
    seen
}

#[test]
fn a_callers_own_attempts_are_counted_and_never_told_as_fewer() {
    let mut world = World::new(&tried(5));
    let caller = world.caller();
    world.call(caller, "Unary", &[(PREVIOUS, "3")], b"x");
    assert_eq!(fail_all(&mut world, 1, "14"), ["3", "4"]);
}

#[test]
fn a_caller_that_has_tried_as_often_as_policy_lets_is_not_tried_again() {
    let mut world = World::new(&tried(2));
    let caller = world.caller();
    world.call(caller, "Unary", &[(PREVIOUS, "1")], b"x");
    assert_eq!(fail_all(&mut world, 1, "14"), ["1"]);
}

#[test]
fn a_failing_answer_says_how_often_the_call_was_tried_and_that_it_is_enough() {
    let mut world = World::new(&tried(3));
    let caller = world.caller();
    let call = world.call(caller, "Unary", &[], b"x");
    assert_eq!(fail_all(&mut world, 1, "14"), ["", "1", "2"]);
    let seen = world.seen(caller, call);
    assert_eq!((seen.status(), seen.text("grpc-message")), ("14", "own"));
    assert_eq!((seen.text(PREVIOUS), seen.text(PUSHBACK)), ("2", "-1"), "{seen:?}");
}

#[test]
fn an_answer_of_a_proxy_after_retries_says_so_too() {
    let mut world = World::new(&tried(2));
    let caller = world.caller();
    let call = world.call(caller, "Unary", &[("grpc-timeout", "1S")], b"x");
    let server = world.servers()[0];
    world.server(server).refuse(0, &[("grpc-status", "14")]);
    world.run();
    world.advance(Duration::from_millis(1_100));
    let seen = world.seen(caller, call);
    assert_eq!((seen.reason(), seen.text(PREVIOUS), seen.text(PUSHBACK)), ("deadline", "1", "-1"), "{seen:?}");
}

#[test]
fn an_answer_that_went_well_in_the_end_is_passed_on_as_it_came() {
    let mut world = World::new(&tried(2));
    let caller = world.caller();
    let call = world.call(caller, "Unary", &[], b"x");
    let server = world.servers()[0];
    world.server(server).refuse(0, &[("grpc-status", "14")]);
    world.run();
    world.advance(Duration::from_millis(60));
    world.server(server).reply(1, b"y", &[("grpc-status", "0")]);
    world.run();
    assert_eq!(world.seen(caller, call).trailers, [("grpc-status".to_owned(), "0".to_owned())]);
}

#[test]
fn a_failing_answer_at_once_is_passed_on_as_it_came() {
    let mut world = World::new(&tried(1));
    let caller = world.caller();
    let call = world.call(caller, "Unary", &[], b"x");
    fail_all(&mut world, 1, "14");
    let seen = world.seen(caller, call);
    assert_eq!((seen.text(PREVIOUS), seen.text(PUSHBACK)), ("", ""), "{seen:?}");
}

#[test]
fn what_a_proven_sidecar_tried_is_not_tried_again_and_told_on() {
    let mut policy = tried(3);
    policy.snapshot.clusters[0].endpoints[0].identity = "spiffe://shop.local/shop/echo".into();
    let mut world = World::new(&policy);
    let caller = world.caller();
    let call = world.call(caller, "Unary", &[], b"x");
    let server = world.servers()[0];
    world.server(server).refuse(0, &[("grpc-status", "14"), (PREVIOUS, "1"), (PUSHBACK, "-1")]);
    world.run();
    world.advance(Duration::from_millis(60));
    assert_eq!(world.request_count(), 1);
    let seen = world.seen(caller, call);
    assert_eq!((seen.text(PREVIOUS), seen.text(PUSHBACK)), ("1", "-1"), "{seen:?}");
}

/// The sidecar of the application at port 1, which calls the service at port 2.
fn middle() -> (World, ConnectionKey, ConnectionKey) {
    let mut policy = World::callee_policy();
    let outward = tried(2);
    policy.snapshot.services = outward.snapshot.services;
    policy.snapshot.clusters = vec![cluster("shop/echo", &[address(2)])];
    let mut world = World::callee_under(&policy);
    let (sidecar, application) = (world.sidecar(), world.caller());
    (world, sidecar, application)
}

/// The application fails an inbound call with `code` after a call of its own, made with the fields `own`, has failed.
fn answer_of_the_middle(asked: &[(&str, &str)], own: &[(&str, &str)], code: &str) -> Exchange {
    let (mut world, sidecar, application) = middle();
    let inbound = world.call(sidecar, "Unary", asked, b"x");
    world.call(application, "Unary", own, b"x");
    assert_eq!(fail_all(&mut world, 2, "14").len(), 2, "the call further down is tried twice");
    fail_all(&mut world, 1, code);
    world.seen(sidecar, inbound)
}

#[test]
fn an_application_that_fails_because_its_own_call_did_after_retries_is_not_tried_again_by_others() {
    let traced = &[("traceparent", TRACE)];
    let seen = answer_of_the_middle(traced, traced, "13");
    assert_eq!((seen.status(), seen.text(PREVIOUS), seen.text(PUSHBACK)), ("13", "1", "-1"), "{seen:?}");
}

#[test]
fn without_a_trace_the_same_status_soon_after_tells_that_the_calls_belong_together() {
    let (mut world, sidecar, application) = middle();
    let inbound = world.call(sidecar, "Unary", &[], b"x");
    world.call(application, "Unary", &[], b"x");
    for nth in 0..2 {
        let key = *world.servers().last().expect("the call further down");
        world.server(key).refuse(nth, &[("grpc-status", "14")]);
        world.run();
        world.advance(Duration::from_millis(60));
    }
    let key = *world.servers().first().expect("the application");
    world.server(key).refuse(0, &[("grpc-status", "14")]);
    world.run();
    assert_eq!(world.seen(sidecar, inbound).text(PREVIOUS), "1");
}

#[test]
fn another_status_without_a_trace_is_the_applications_own_failure() {
    let seen = answer_of_the_middle(&[], &[], "13");
    assert_eq!((seen.status(), seen.text(PREVIOUS), seen.text(PUSHBACK)), ("13", "", ""), "{seen:?}");
}
