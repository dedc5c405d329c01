//! Who may speak for the mesh: a sidecar that has proved its identity, and nobody else.

use crate::policy::{Policy, retry};
use crate::world::{Exchange, World, address};

const CLAIMS: [(&str, &str); 2] = [("tulle-reason", "draining"), ("grpc-previous-rpc-attempts", "3")];
const FAILED: [(&str, &str); 2] = [("grpc-status", "14"), ("grpc-message", "mine")];

/// What a sidecar passes on of an answer that its application gives by `say`; and how often the call was executed.
fn through_the_callee(say: impl Fn(&mut crate::world::Peer)) -> (Exchange, usize) {
    let mut world = World::callee();
    let caller = world.sidecar();
    let call = world.call(caller, "Unary", &[], b"x");
    let application = world.servers()[0];
    say(world.server(application));
    world.run();
    (world.seen(caller, call), world.request_count())
}

fn assert_is_the_applications_own((seen, executed): (Exchange, usize)) {
    assert_eq!(executed, 1, "{seen:?}");
    assert_eq!((seen.status(), seen.text("grpc-message")), ("14", "mine"));
    for (name, _) in CLAIMS {
        assert_eq!(seen.text(name), "", "{seen:?}");
    }
}

#[test]
fn what_an_application_claims_in_a_trailers_only_answer_is_dropped() {
    let list: Vec<_> = FAILED.into_iter().chain(CLAIMS).collect();
    assert_is_the_applications_own(through_the_callee(|application| application.refuse(0, &list)));
}

#[test]
fn what_an_application_claims_in_its_trailers_is_dropped() {
    let list: Vec<_> = FAILED.into_iter().chain(CLAIMS).collect();
    assert_is_the_applications_own(through_the_callee(|application| application.reply(0, b"y", &list)));
}

#[test]
fn what_an_application_claims_in_its_head_is_dropped() {
    let head: Vec<_> = [(":status", "200")].into_iter().chain(CLAIMS).collect();
    assert_is_the_applications_own(through_the_callee(|application| {
        let stream = application.request(0);
        application.codec.send_headers(stream, &crate::world::fields(&head), false);
        application.codec.send_headers(stream, &crate::world::fields(&FAILED), true);
    }));
}

#[test]
fn what_an_application_claims_of_a_call_that_went_well_is_dropped() {
    let list: Vec<_> = [("grpc-status", "0"), ("x-own", "1")].into_iter().chain(CLAIMS).collect();
    let (seen, _) = through_the_callee(|application| application.reply(0, b"y", &list));
    let trailers = [("grpc-status", "0"), ("x-own", "1")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(seen.trailers, trailers);
}

/// How often a call of a method that must not be executed twice goes up, when the first endpoint says that it is draining.
fn executions_when_told_by(identity: &str) -> usize {
    let mut policy = Policy::to(&[address(1), address(2)]).route(|route| route.retry = Some(retry(3)));
    for endpoint in &mut policy.snapshot.clusters[0].endpoints {
        endpoint.identity = identity.into();
    }
    let mut world = World::new(&policy);
    let caller = world.caller();
    world.call(caller, "Unary", &[], b"x");
    let first = world.servers()[0];
    world.server(first).refuse(0, &[("grpc-status", "14"), ("tulle-reason", "draining")]);
    world.run();
    world.request_count()
}

#[test]
fn an_endpoint_that_proved_nothing_is_not_believed() {
    assert_eq!(executions_when_told_by(""), 1);
}

#[test]
fn a_sidecar_that_proved_its_identity_is_believed() {
    assert_eq!(executions_when_told_by("spiffe://shop.local/shop/echo"), 2);
}

#[test]
fn an_endpoint_that_proved_nothing_does_not_keep_a_call_from_being_tried_again() {
    let policy = Policy::to(&[address(1), address(2)]).route(|route| route.idempotent = true);
    let mut world = World::new(&policy);
    let caller = world.caller();
    world.call(caller, "Unary", &[], b"x");
    let first = world.servers()[0];
    world.server(first).refuse(0, &[("grpc-status", "14"), ("grpc-previous-rpc-attempts", "1")]);
    world.run();
    world.advance(std::time::Duration::from_millis(50));
    assert_eq!(world.request_count(), 2);
}

#[test]
fn what_a_caller_claims_of_the_mesh_changes_nothing() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let caller = world.caller();
    let call = world.call(caller, "Unary", &[("tulle-reason", "denied")], b"x");
    let server = world.servers()[0];
    world.server(server).reply(0, b"y", &[("grpc-status", "0")]);
    world.run();
    let seen = world.seen(caller, call);
    assert_eq!((seen.status(), seen.reason()), ("0", ""));
}
