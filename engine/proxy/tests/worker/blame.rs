//! Who is blamed for a call that failed, and whom that leaves out: an endpoint for its own faults alone.

use crate::policy::{Policy, retry};
use crate::world::{World, address, fields};
use std::time::Duration;
use tulle_http2::{ErrorCode, StreamId};
use tulle_mesh::resilience::accrual::EndpointState;
use tulle_proxy::worker::ConnectionKey;

const OK: &[(&str, &str)] = &[("grpc-status", "0")];
const IN_A_ROW: usize = 20;

fn untried(ports: &[u16]) -> Policy {
    let addresses: Vec<_> = ports.iter().map(|port| address(*port)).collect();
    Policy::to(&addresses).route(|route| route.retry = Some(retry(1)))
}

/// The only endpoint may be out as well, so that what happens to it is all there is to see.
fn alone() -> Policy {
    let mut policy = untried(&[1]);
    policy.snapshot.clusters[0].outlier.as_mut().expect("ejection").max_ejected_percent = Some(100);
    policy
}

fn ejections(world: &World) -> u64 {
    let snapshot = world.snapshot.as_ref().expect("a snapshot");
    snapshot.clusters().flat_map(|cluster| cluster.endpoints()).map(|cell| cell.ejections()).sum()
}

/// Endpoints that are left out.
fn out(world: &World) -> usize {
    let snapshot = world.snapshot.as_ref().expect("a snapshot");
    let cells = snapshot.clusters().flat_map(|cluster| cluster.endpoints());
    cells.filter(|cell| cell.state() != EndpointState::Closed).count()
}

/// Answers what waits at all servers.
fn answer_all(world: &mut World, trailers: &[(&str, &str)]) {
    for key in world.servers() {
        let server = world.server(key);
        let open: Vec<usize> =
            server.exchanges.values().enumerate().filter(|(_, one)| one.reset.is_none()).map(|(nth, _)| nth).collect();
        for nth in open {
            match trailers {
                OK => server.reply(nth, b"y", OK),
                failed => server.refuse(nth, failed),
            }
        }
        server.exchanges.clear();
    }
    world.run();
}

fn assert_well_beside(world: &mut World, caller: ConnectionKey) {
    for _ in 0..4 {
        let call = world.call(caller, "Unary", &[], b"x");
        answer_all(world, OK);
        assert_eq!(world.seen(caller, call).status(), "0");
    }
    assert_eq!(ejections(world), 0);
}

#[test]
fn callers_in_a_hurry_harm_nobody_else() {
    let mut world = World::new(&untried(&[1, 2]));
    let (hasty, well) = (world.caller(), world.caller());
    for _ in 0..IN_A_ROW {
        let call = world.call(hasty, "Unary", &[("grpc-timeout", "1m")], b"x");
        world.advance(Duration::from_millis(3));
        assert_eq!(world.seen(hasty, call).status(), "4");
    }
    assert_well_beside(&mut world, well);
}

#[test]
fn a_method_that_always_raises_harms_nobody_else() {
    let mut world = World::new(&untried(&[1, 2]));
    let (raising, well) = (world.caller(), world.caller());
    for code in ["2", "13", "4", "15"] {
        for _ in 0..IN_A_ROW {
            let call = world.call(raising, "Raise", &[], b"x");
            answer_all(&mut world, &[("grpc-status", code)]);
            assert_eq!((world.seen(raising, call).status(), world.seen(raising, call).reason()), (code, ""));
        }
    }
    assert_well_beside(&mut world, well);
}

#[test]
fn a_watch_that_ends_by_its_deadline_harms_nobody_else() {
    let mut world = World::new(&untried(&[1, 2]));
    let caller = world.caller();
    for _ in 0..IN_A_ROW {
        let call = world.call(caller, "Watch", &[("grpc-timeout", "500m")], b"x");
        for key in world.servers() {
            let server = world.server(key);
            if !server.exchanges.is_empty() {
                let stream = server.request(0);
                server.codec.send_headers(stream, &fields(&[(":status", "200")]), false);
                server.codec.send_data(stream, b"y", false);
            }
        }
        world.run();
        world.advance(Duration::from_millis(502));
        assert_eq!(world.seen(caller, call).status(), "4");
        for key in world.servers() {
            world.server(key).exchanges.clear();
        }
    }
    assert_well_beside(&mut world, caller);
}

#[test]
fn answers_that_break_http2_are_the_applications_and_not_its_instances() {
    let mut world = World::new(&untried(&[1, 2]));
    let caller = world.caller();
    for _ in 0..IN_A_ROW {
        world.call(caller, "Broken", &[], b"x");
        answer_all(&mut world, &[("grpc-status", "0"), ("x-odd", "a\nb")]);
    }
    assert_well_beside(&mut world, caller);
}

#[test]
fn no_more_than_half_of_a_service_is_ever_out() {
    let mut world = World::new(&untried(&[1, 2, 3, 4]));
    let caller = world.caller();
    for _ in 0..100 {
        let call = world.call(caller, "Unary", &[], b"x");
        answer_all(&mut world, &[("grpc-status", "14")]);
        assert_eq!(world.seen(caller, call).reason(), "", "every call reaches an application");
        assert!(out(&world) <= 2);
    }
    assert_eq!(out(&world), 2);
}

/// An endpoint that has failed too often, and whose time to be probed has come.
fn due() -> (World, ConnectionKey) {
    let mut world = World::new(&alone());
    let caller = world.caller();
    for _ in 0..7 {
        world.call(caller, "Unary", &[], b"x");
        answer_all(&mut world, &[("grpc-status", "14")]);
    }
    assert_eq!(ejections(&world), 1);
    world.advance(Duration::from_millis(1_600));
    (world, caller)
}

fn is_let_in(world: &mut World, caller: ConnectionKey) -> bool {
    let call: StreamId = world.call(caller, "Unary", &[], b"x");
    world.seen(caller, call).reason() != "breaker_open"
}

#[test]
fn a_probe_that_is_a_healthy_stream_lets_the_others_in_with_its_head() {
    let (mut world, caller) = due();
    let probe = world.call(caller, "Watch", &[], b"x");
    assert!(!is_let_in(&mut world, caller), "until it has answered, one call probes");
    let key = world.servers()[0];
    let server = world.server(key);
    let stream = server.request(0);
    server.codec.send_headers(stream, &fields(&[(":status", "200")]), false);
    world.run();
    assert!(is_let_in(&mut world, caller));
    assert!(!world.seen(caller, probe).ended);
}

#[test]
fn a_probe_that_its_caller_cancels_is_no_verdict_and_another_follows_at_once() {
    let (mut world, caller) = due();
    let probe = world.call(caller, "Unary", &[], b"x");
    world.server(caller).codec.reset(probe, ErrorCode::CANCEL);
    world.run();
    assert!(is_let_in(&mut world, caller));
    assert_eq!(ejections(&world), 1);
}

#[test]
fn a_probe_that_its_caller_cuts_short_is_no_verdict_and_another_follows_at_once() {
    let (mut world, caller) = due();
    world.call(caller, "Unary", &[("grpc-timeout", "50m")], b"x");
    world.advance(Duration::from_millis(55));
    assert!(is_let_in(&mut world, caller));
    assert_eq!(ejections(&world), 1);
}

#[test]
fn a_late_answer_of_an_old_call_decides_nothing_while_another_probes() {
    let mut world = World::new(&alone());
    let caller = world.caller();
    let old = world.call(caller, "Unary", &[], b"x");
    let key = world.servers()[0];
    let stream = world.server(key).request(0);
    for nth in 1..8 {
        world.call(caller, "Unary", &[], b"x");
        world.server(key).refuse(nth, &[("grpc-status", "14")]);
        world.run();
    }
    world.advance(Duration::from_millis(1_600));
    world.call(caller, "Unary", &[], b"x");
    world.server(key).codec.send_headers(stream, &fields(&[(":status", "200"), ("grpc-status", "14")]), true);
    world.run();
    assert_eq!(world.seen(caller, old).status(), "14");
    assert_eq!(ejections(&world), 1, "the old failure does not open it again");
}
