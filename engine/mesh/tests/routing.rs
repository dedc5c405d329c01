//! Which service, which route, which backend.

use crate::support::*;
use tulle_mesh::proto;
use tulle_mesh::snapshot::Snapshot;

const CHARGE: &[u8] = b"/shop.v1.Payments/Charge";

fn no_header(_: &str, _: &[u8]) -> bool {
    false
}

fn matching(service: &str, method: &str, headers: &[(&str, &str)]) -> Vec<proto::RouteMatch> {
    let headers =
        headers.iter().map(|(name, exact)| proto::HeaderMatch { name: (*name).into(), exact: (*exact).into() });
    vec![proto::RouteMatch { service: service.into(), method: method.into(), headers: headers.collect() }]
}

/// The name of the route that a call takes on a service with `rule` before its default.
fn route_taken(matches: Vec<proto::RouteMatch>, path: &[u8], tier: Option<&'static [u8]>) -> String {
    let tiers: Vec<_> = tier.into_iter().collect();
    route_of(matches, path, &tiers)
}

/// The same for a header `x-tier` that comes as often as there are values.
fn route_of(matches: Vec<proto::RouteMatch>, path: &[u8], tiers: &[&[u8]]) -> String {
    let mut wire = mesh();
    wire.services[0].routes.insert(0, proto::Route { matches, ..route("rule", &[(PAYMENTS, 1)]) });
    let snapshot = snapshot(&wire);
    let taken = payments(&snapshot).route(path, |name, value| name == "x-tier" && tiers.contains(&value));
    taken.expect("the default takes everything").name.to_string()
}

#[test]
fn a_host_with_a_port_is_tried_whole_and_then_without_it() {
    let mut wire = mesh();
    wire.services.push(service("shop/ledger", &["ledger", "payments:9"]));
    wire.clusters.push(cluster("shop/ledger", 1));
    let snapshot = snapshot(&wire);
    let name = |authority: &[u8]| snapshot.service(authority).map(|service| service.name.to_string());
    assert_eq!(name(b"payments:50051").as_deref(), Some("shop/payments"));
    assert_eq!(name(b"payments:9").as_deref(), Some("shop/ledger"));
    assert_eq!(name(b"payments:80").as_deref(), Some("shop/payments"));
    assert_eq!(name(b"payments").as_deref(), Some("shop/payments"));
    assert_eq!(name(b"payments:http"), None);
    assert_eq!(name(b"unknown:80"), None);
    assert_eq!(name(b""), None);
}

#[test]
fn letters_of_an_authority_may_be_of_any_case() {
    let snapshot = snapshot(&mesh());
    assert!(snapshot.service(b"PAYMENTS.Shop:443").is_some());
    assert!(snapshot.service(&[b'P'; 4096]).is_none());
}

#[test]
fn the_dot_that_makes_a_name_absolute_changes_nothing() {
    let snapshot = snapshot(&mesh());
    for same in ["payments.shop.", "payments.shop.:50051", "Payments.Shop.:443", "payments..", "payments.:50051"] {
        assert!(snapshot.service(same.as_bytes()).is_some(), "{same}");
    }
    for other in [".", "..", ".:50051", "payments.shop.x.", ".payments", "payments:50051.", &".".repeat(4096)] {
        assert!(snapshot.service(other.as_bytes()).is_none(), "{other}");
    }
}

#[test]
fn a_header_that_comes_several_times_matches_by_any_of_its_values() {
    let rule = || matching("", "", &[("x-tier", "canary")]);
    assert_eq!(route_of(rule(), CHARGE, &[b"prod", b"canary"]), "rule");
    assert_eq!(route_of(rule(), CHARGE, &[b"canary", b"prod"]), "rule");
    assert_eq!(route_of(rule(), CHARGE, &[b"prod,canary"]), "default", "a joined field is one value");
    assert_eq!(route_of(rule(), CHARGE, &[]), "default");
}

#[test]
fn the_colons_of_an_ipv6_address_are_no_port() {
    let mut wire = mesh();
    wire.services[0].authorities.push("[::1]".into());
    let snapshot = snapshot(&wire);
    assert!(snapshot.service(b"[::1]:50051").is_some());
    assert!(snapshot.service(b"[::1]").is_some());
    assert!(snapshot.service(b"[::2]").is_none());
}

#[test]
fn a_route_matches_service_and_method_on_the_bytes_of_the_path() {
    let rule = || matching("shop.v1.Payments", "Charge", &[]);
    assert_eq!(route_taken(rule(), CHARGE, None), "rule");
    assert_eq!(route_taken(rule(), b"/shop.v1.Payments/charge", None), "default");
    assert_eq!(route_taken(rule(), b"/shop.v1.Payments/Charge/", None), "default");
    assert_eq!(route_taken(rule(), b"shop.v1.Payments/Charge", None), "default");
    assert_eq!(route_taken(matching("", "Charge", &[]), CHARGE, None), "rule");
    assert_eq!(route_taken(matching("shop.v1.Payments", "", &[]), b"/shop.v1.Payments/Refund", None), "rule");
    assert_eq!(route_taken(matching("shop.v1.Payments", "", &[]), b"/shop.v1.PaymentsX/Refund", None), "default");
}

#[test]
fn all_given_parts_of_a_match_must_hold() {
    let rule = || matching("shop.v1.Payments", "Charge", &[("x-tier", "gold")]);
    assert_eq!(route_taken(rule(), CHARGE, Some(b"gold")), "rule");
    assert_eq!(route_taken(rule(), CHARGE, Some(b"golden")), "default");
    assert_eq!(route_taken(rule(), CHARGE, None), "default");
    assert_eq!(route_taken(rule(), b"/shop.v1.Payments/Refund", Some(b"gold")), "default");
}

#[test]
fn any_match_of_a_route_selects_it_and_the_first_route_wins() {
    let mut either = matching("a.A", "", &[]);
    either.extend(matching("b.B", "", &[]));
    assert_eq!(route_taken(either.clone(), b"/b.B/M", None), "rule");
    assert_eq!(route_taken(either, b"/c.C/M", None), "default");
    assert_eq!(route_taken(vec![], b"/c.C/M", None), "rule");
}

#[test]
fn a_service_whose_last_route_matches_not_everything_may_have_no_route_for_a_call() {
    let mut wire = mesh();
    wire.services[0].routes[0].matches = matching("a.A", "", &[]);
    assert!(payments(&snapshot(&wire)).route(CHARGE, no_header).is_none());
}

fn split(weights: &[(&str, u32)]) -> Snapshot {
    let mut wire = mesh();
    wire.clusters = weights.iter().map(|(name, _)| cluster(name, 1)).collect();
    wire.services[0].routes = vec![route("split", weights)];
    snapshot(&wire)
}

#[test]
fn a_thousand_calls_at_90_to_10_land_within_three_standard_deviations() {
    let snapshot = split(&[("shop/payments#v1", 90), ("shop/payments#v2", 10)]);
    let route = &payments(&snapshot).routes()[0];
    let mut random = random();
    let second = (0..1000).filter(|_| &**route.pick_cluster(&mut random).name() == "shop/payments#v2").count();
    // Binomial(1000, 0.1): mean 100, standard deviation 9.49.
    assert!((72..=128).contains(&second), "{second} of 1000");
}

#[test]
fn a_weight_of_0_receives_nothing_wherever_it_stands() {
    let snapshot = split(&[("shop/a", 0), ("shop/b", 1), ("shop/c", 0), ("shop/d", 3), ("shop/e", 0)]);
    let route = &payments(&snapshot).routes()[0];
    let mut random = random();
    let picked: std::collections::BTreeSet<_> =
        (0..1000).map(|_| route.pick_cluster(&mut random).name().to_string()).collect();
    assert_eq!(picked.into_iter().collect::<Vec<_>>(), ["shop/b", "shop/d"]);
    let weights: Vec<_> = route.backends().map(|(cluster, weight)| (cluster.name().to_string(), weight)).collect();
    assert_eq!(weights, [("shop/b".to_string(), 1), ("shop/d".to_string(), 3)]);
}
