//! Where calls go: splits, breakers, endpoints that leave.

use crate::policy::{Policy, cluster, millis};
use crate::world::{World, address};
use std::time::Duration;
use tulle_proxy::proto::WeightedCluster;

const OK: &[(&str, &str)] = &[("grpc-status", "0")];

#[test]
fn a_split_of_90_to_10_lands_within_three_standard_deviations() {
    let mut policy = Policy::to(&[address(1)]);
    policy.snapshot.clusters.push(cluster("shop/echo#v2", &[address(2)]));
    policy.snapshot.services[0].routes[0].backends = vec![
        WeightedCluster { cluster: "shop/echo".into(), weight: 90 },
        WeightedCluster { cluster: "shop/echo#v2".into(), weight: 10 },
    ];
    let mut world = World::new(&policy);
    let caller = world.caller();
    let mut second = 0;
    for _ in 0..1000 {
        let stream = world.call(caller, "Unary", &[], b"x");
        for key in world.servers() {
            let server = world.server(key);
            let open: Vec<usize> = (0..server.exchanges.len()).collect();
            for nth in open {
                server.reply(nth, b"y", OK);
                second += usize::from(server.address == Some(address(2)));
            }
            server.exchanges.clear();
        }
        world.run();
        assert_eq!(world.seen(caller, stream).status(), "0");
    }
    // The standard deviation of 1,000 draws at 0.1 is 9.5.
    assert!((72..=128).contains(&second), "{second} of 1000");
}

#[test]
fn a_single_instance_is_never_ejected() {
    let mut world = World::new(&Policy::to(&[address(1)]).route(|route| route.retry = Some(crate::policy::retry(1))));
    let caller = world.caller();
    for nth in 0..20 {
        let stream = world.call(caller, "Unary", &[], b"x");
        let server = world.servers()[0];
        world.server(server).refuse(nth, &[("grpc-status", "14")]);
        world.run();
        assert_eq!(world.seen(caller, stream).reason(), "", "call {nth} reaches the application");
    }
}

#[test]
fn seven_failures_open_an_endpoint_and_one_real_call_probes_it() {
    let mut policy = Policy::to(&[address(1)]).route(|route| route.retry = Some(crate::policy::retry(1)));
    let outlier = policy.snapshot.clusters[0].outlier.as_mut().expect("ejection");
    // The only one may be out as well, so that what happens to it is all there is to see.
    outlier.max_ejected_percent = Some(100);
    let mut world = World::new(&policy);
    let caller = world.caller();
    for nth in 0..7 {
        let stream = world.call(caller, "Unary", &[], b"x");
        let server = world.servers()[0];
        world.server(server).refuse(nth, &[("grpc-status", "14")]);
        world.run();
        assert_eq!(world.seen(caller, stream).reason(), "", "the server's own word");
    }
    let refused = world.call(caller, "Unary", &[], b"x");
    assert_eq!(world.seen(caller, refused).reason(), "breaker_open");
    world.advance(Duration::from_millis(1600));
    let probe = world.call(caller, "Unary", &[], b"x");
    let other = world.call(caller, "Unary", &[], b"x");
    assert_eq!(world.seen(caller, other).reason(), "breaker_open", "only one call probes");
    let server = world.servers()[0];
    world.server(server).reply(7, b"y", OK);
    world.run();
    assert_eq!(world.seen(caller, probe).status(), "0");
    let after = world.call(caller, "Unary", &[], b"x");
    world.server(server).reply(8, b"y", OK);
    world.run();
    assert_eq!(world.seen(caller, after).status(), "0");
}

#[test]
fn an_endpoint_that_leaves_finishes_its_calls_and_then_its_connection_goes() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let caller = world.caller();
    let old = world.call(caller, "Unary", &[], b"x");
    let first = world.servers()[0];
    let mut policy = Policy::to(&[address(2)]);
    policy.snapshot.revision = 2;
    policy.snapshot.clusters[0].endpoints[0].id = "another".into();
    world.apply(&policy);
    assert!(world.closed.is_empty(), "a policy change closes nothing that is in use");
    let new = world.call(caller, "Unary", &[], b"x");
    let second = *world.servers().iter().find(|key| **key != first).expect("another connection");
    world.server(second).reply(0, b"y", OK);
    world.server(first).reply(0, b"y", OK);
    world.run();
    assert_eq!((world.seen(caller, old).status(), world.seen(caller, new).status()), ("0", "0"));
    assert_eq!(world.closed, [first]);
}

#[test]
fn a_policy_change_touches_neither_connections_nor_calls_in_flight() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let caller = world.caller();
    let call = world.call(caller, "Unary", &[], b"x");
    let mut policy = Policy::to(&[address(1)]).route(|route| route.request_timeout = Some(millis(10)));
    policy.snapshot.revision = 2;
    world.apply(&policy);
    world.advance(Duration::from_millis(500));
    assert!(!world.seen(caller, call).ended, "the old policy holds for the old call");
    let hurried = world.call(caller, "Unary", &[], b"x");
    world.advance(Duration::from_millis(11));
    assert_eq!(world.seen(caller, hurried).reason(), "deadline");
    assert!(world.closed.is_empty());
}
