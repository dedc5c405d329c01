//! Quiet connections: another sidecar is asked whether it lives, an application never is.

use crate::policy::Policy;
use crate::world::{World, address, to_a_sidecar};
use std::time::Duration;
use tulle_http2::ErrorCode;

const OK: &[(&str, &str)] = &[("grpc-status", "0")];

/// A call stays without an answer for so long, and is answered then; gives the PINGs that the server got.
fn quiet_for(quiet: Duration, mut world: World, method: &str) -> usize {
    let caller = if world.is_callee { world.sidecar() } else { world.caller() };
    let call = world.call(caller, method, &[], b"x");
    let server = world.servers()[0];
    world.advance(quiet);
    world.server(server).reply(0, b"y", OK);
    world.run();
    assert_eq!(world.seen(caller, call).status(), "0", "{method} after {quiet:?}");
    world.server(server).pings
}

#[test]
fn an_application_that_is_quiet_gets_no_ping() {
    for (method, seconds) in [("Unary", 70), ("Unary", 600), ("Watch", 70), ("Watch", 600)] {
        assert_eq!(quiet_for(Duration::from_secs(seconds), World::callee(), method), 0, "{method}, {seconds} s");
    }
}

#[test]
fn an_endpoint_without_an_identity_gets_no_ping() {
    let world = World::new(&Policy::to(&[address(1)]));
    assert_eq!(quiet_for(Duration::from_secs(600), world, "Watch"), 0);
}

#[test]
fn another_sidecar_is_asked_every_ten_seconds() {
    assert_eq!(quiet_for(Duration::from_secs(65), World::new(&to_a_sidecar()), "Watch"), 6);
}

#[test]
fn what_a_server_said_before_it_closed_the_connection_is_told() {
    let mut world = World::callee();
    let caller = world.sidecar();
    let call = world.call(caller, "Watch", &[], b"x");
    let server = world.servers()[0];
    let goaway = [&[0, 0, 15, 7, 0, 0, 0, 0, 0], &[0, 0, 0, 1][..], &[0, 0, 0, 0], b"max_age"].concat();
    world.worker.received(server, &goaway);
    world.kill(server);
    let seen = world.seen(caller, call);
    let told = "the application at 127.0.0.1:1 closed the connection after GOAWAY NO_ERROR \"max_age\"";
    assert_eq!((seen.status(), seen.text("grpc-message")), ("14", told), "{seen:?}");
}

#[test]
fn a_silent_sidecar_is_asked_after_ten_seconds_and_given_up_after_fifteen() {
    let mut world = World::new(&to_a_sidecar());
    let caller = world.caller();
    let call = world.call(caller, "Stream", &[], b"x");
    let server = world.servers()[0];
    world.server(server).silent = true;
    world.advance(Duration::from_millis(14_900));
    assert!(!world.seen(caller, call).ended);
    world.advance(Duration::from_millis(200));
    let seen = world.seen(caller, call);
    assert_eq!((seen.status(), seen.reason()), ("14", "upstream_reset"), "{seen:?}");
    assert!(seen.text("grpc-message").contains("PING"), "{seen:?}");
}

#[test]
fn a_quiet_sidecar_that_answers_pings_keeps_the_streams_to_it_for_ever() {
    let mut world = World::new(&to_a_sidecar());
    let caller = world.caller();
    let call = world.call(caller, "Stream", &[], b"x");
    world.advance(Duration::from_secs(3600));
    assert!(!world.seen(caller, call).ended);
    let server = world.servers()[0];
    world.server(server).reply(0, b"y", OK);
    world.run();
    assert_eq!(world.seen(caller, call).status(), "0");
}

#[test]
fn a_calling_sidecar_that_vanished_is_asked_and_its_calls_end_with_it() {
    let mut world = World::callee();
    let caller = world.sidecar();
    world.call(caller, "Stream", &[], b"x");
    let application = world.servers()[0];
    world.server(caller).silent = true;
    world.advance(Duration::from_millis(14_900));
    assert_eq!(world.server(application).exchanges[&1].reset, None);
    world.advance(Duration::from_millis(200));
    assert_eq!(world.server(application).exchanges[&1].reset, Some(ErrorCode::CANCEL));
    assert_eq!(world.closed, [caller]);
}

#[test]
fn a_quiet_calling_sidecar_that_answers_pings_keeps_its_streams_for_ever() {
    let mut world = World::callee();
    let caller = world.sidecar();
    let call = world.call(caller, "Stream", &[], b"x");
    world.advance(Duration::from_secs(3600));
    let application = world.servers()[0];
    world.server(application).reply(0, b"y", OK);
    world.run();
    assert_eq!(world.seen(caller, call).status(), "0");
}
