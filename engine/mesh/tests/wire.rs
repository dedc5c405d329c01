//! Reading snapshots: every refusal names its resource and field, and what is known goes on.

use crate::support::*;
use proptest::prelude::*;
use prost::Message;
use std::time::Instant;
use tulle_mesh::method::MethodLabel;
use tulle_mesh::outcome::Outcome;
use tulle_mesh::proto;
use tulle_mesh::resilience::breaker::Limit;
use tulle_mesh::resilience::retry::RetryPolicy;
use tulle_mesh::wire::decode;

/// Breaks a valid snapshot and returns the refusal as (resource, detail).
fn refusal(break_it: impl FnOnce(&mut proto::Snapshot)) -> (String, String) {
    let mut wire = mesh();
    break_it(&mut wire);
    let refused = read(&wire).expect_err("the snapshot is invalid");
    (refused.resource, refused.detail)
}

#[track_caller]
fn assert_refused(break_it: impl FnOnce(&mut proto::Snapshot), resource: &str, field: &str) {
    let (named, detail) = refusal(break_it);
    assert_eq!(named, resource, "{detail}");
    assert!(detail.starts_with(&format!("{field}: ")), "{detail:?} does not begin with {field:?}");
    assert!(!detail.ends_with('.') && !detail.contains('\n'));
}

#[test]
fn a_whole_snapshot_is_read() {
    let snapshot = snapshot(&mesh());
    assert_eq!(snapshot.revision(), 12);
    assert_eq!(snapshot.trust_domain(), "shop.local");
    assert_eq!(snapshot.services().len(), 1);
    assert_eq!(payments_cluster(&snapshot).endpoints().len(), 3);
    assert_eq!(snapshot.inbound().expect("inbound").identity.as_str(), "spiffe://shop.local/shop/orders");
}

#[test]
fn what_a_snapshot_leaves_out_is_as_the_semantics_say() {
    let snapshot = snapshot(&mesh());
    let service = payments(&snapshot);
    let limits = service.breaker.limits();
    assert_eq!((limits.connections, limits.pending, limits.requests, limits.retries), (1024, 1024, 1024, 3));
    assert_eq!(service.routes()[0].policy.retry, RetryPolicy::default());
    assert_eq!(payments_cluster(&snapshot).connect_timeout(), ms(5000));
}

#[test]
fn a_snapshot_may_be_shared_by_workers() {
    fn shared<T: Send + Sync + 'static>(_: &T) {}
    shared(&snapshot(&mesh()));
}

#[test]
fn the_head_is_checked() {
    assert_refused(|s| s.revision = 0, "snapshot", "revision");
    assert_refused(|s| s.trust_domain = "Shop Local".into(), "snapshot", "trust_domain");
}

#[test]
fn a_cluster_at_fault_is_named_with_its_field() {
    let resource = "cluster:shop/payments";
    assert_refused(|s| s.clusters[0].endpoints[1].id.clear(), resource, "endpoints[1].id");
    assert_refused(|s| s.clusters[0].endpoints[1].id = "shop/payments-0".into(), resource, "endpoints[1].id");
    assert_refused(|s| s.clusters[0].endpoints[2].address = "payments".into(), resource, "endpoints[2].address");
    assert_refused(|s| s.clusters[0].endpoints[0].port = 65536, resource, "endpoints[0].port");
    assert_refused(|s| s.clusters[0].endpoints[0].port = 0, resource, "endpoints[0].port");
    assert_refused(|s| s.clusters[0].endpoints[0].weight = 0, resource, "endpoints[0].weight");
    assert_refused(|s| s.clusters[0].endpoints[0].identity = "spiffe://x".into(), resource, "endpoints[0].identity");
    assert_refused(|s| s.clusters[0].load_balancing = 99, resource, "load_balancing");
    assert_refused(|s| s.clusters[0].connect_timeout = seconds(0), resource, "connect_timeout");
    assert_refused(|s| s.clusters.push(cluster(PAYMENTS, 1)), resource, "name");
    assert_refused(|s| s.clusters[0].name = "payments".into(), "cluster:payments", "name");
}

#[test]
fn failure_accrual_is_checked() {
    let accrual = |consecutive_failures, base, max| {
        move |s: &mut proto::Snapshot| {
            let (open_base, open_max) = (seconds(base), seconds(max));
            let numbers = proto::Outlier { consecutive_failures, open_base, open_max, ..Default::default() };
            s.clusters[0].outlier = Some(numbers);
        }
    };
    let resource = "cluster:shop/payments";
    assert_refused(accrual(0, 1, 60), resource, "outlier.consecutive_failures");
    assert_refused(accrual(7, 0, 60), resource, "outlier.open_base");
    assert_refused(accrual(7, 61, 60), resource, "outlier.open_max");
    let outlier = |change: fn(&mut proto::Outlier)| {
        move |s: &mut proto::Snapshot| {
            let mut outlier = proto::Outlier { consecutive_failures: 7, ..Default::default() };
            change(&mut outlier);
            s.clusters[0].outlier = Some(outlier);
        }
    };
    assert_refused(outlier(|one| one.max_ejected_percent = Some(101)), resource, "outlier.max_ejected_percent");
    assert_refused(outlier(|one| one.status_codes = vec![13, 5]), resource, "outlier.status_codes[1]");
}

#[test]
fn a_service_at_fault_is_named_with_its_field() {
    let resource = "service:shop/payments";
    assert_refused(|s| s.services[0].routes.clear(), resource, "routes");
    assert_refused(|s| s.services[0].routes[0].name.clear(), resource, "routes[0].name");
    assert_refused(|s| s.services[0].routes[0].backends.clear(), resource, "routes[0].backends");
    assert_refused(|s| s.services[0].routes[0].backends[0].weight = 0, resource, "routes[0].backends");
    assert_refused(
        |s| s.services[0].routes[0].backends[0].weight = 1_000_001,
        resource,
        "routes[0].backends[0].weight",
    );
    let elsewhere = |s: &mut proto::Snapshot| s.services[0].routes[0].backends[0].cluster = "shop/gone".into();
    assert_refused(elsewhere, resource, "routes[0].backends[0].cluster");
    assert_refused(|s| s.services[0].authorities.push("Payments".into()), resource, "authorities[3]");
    assert_refused(|s| s.services.push(service(PAYMENTS, &[])), resource, "name");
    let taken = |s: &mut proto::Snapshot| s.services.push(service("shop/other", &["payments"]));
    let taken = |s: &mut proto::Snapshot| {
        taken(s);
        s.services[1].routes = vec![route("default", &[(PAYMENTS, 1)])];
    };
    assert_refused(taken, "service:shop/other", "authorities[0]");
    let method = proto::Method { path: "shop.v1.Payments/Charge".into(), ..Default::default() };
    assert_refused(|s| s.services[0].methods.push(method), resource, "methods[0].path");
    let breaker = proto::CircuitBreaker { max_connections: 1, max_pending: 1, max_requests: 0, max_retries: 0 };
    assert_refused(|s| s.services[0].circuit_breaker = Some(breaker), resource, "circuit_breaker.max_requests");
}

#[test]
fn a_retry_policy_is_checked() {
    let valid = proto::Retry {
        attempts: 2,
        status_codes: vec![14],
        backoff_base: millis(25),
        backoff_max: millis(250),
        budget_percent: 20,
        budget_min_per_second: 10,
    };
    let refused = |retry: proto::Retry, field: &str| {
        let policy = proto::RoutePolicy { retry: Some(retry), ..Default::default() };
        let field = format!("routes[0].policy.retry.{field}");
        assert_refused(|s| s.services[0].routes[0].policy = Some(policy), "service:shop/payments", &field);
    };
    refused(proto::Retry { attempts: 0, ..valid.clone() }, "attempts");
    refused(proto::Retry { attempts: 6, ..valid.clone() }, "attempts");
    refused(proto::Retry { status_codes: vec![14, 7], ..valid.clone() }, "status_codes[1]");
    refused(proto::Retry { budget_percent: 101, ..valid.clone() }, "budget_percent");
    refused(proto::Retry { backoff_max: millis(24), ..valid.clone() }, "backoff_max");
    let negative = Some(prost_types::Duration { seconds: -1, nanos: 0 });
    refused(proto::Retry { backoff_base: negative, ..valid }, "backoff_base");
}

#[test]
fn inbound_rules_are_checked() {
    let rule = proto::AccessRule { policy: "shop/callers".into(), rule: 0, action: 1, ..Default::default() };
    let refused = |rule: proto::AccessRule, field: &str| {
        assert_refused(|s| s.inbound.as_mut().expect("inbound").rules.push(rule), "inbound", field);
    };
    refused(proto::AccessRule { action: 0, ..rule.clone() }, "rules[0].action");
    refused(proto::AccessRule { policy: String::new(), ..rule.clone() }, "rules[0].policy");
    refused(proto::AccessRule { identities: vec!["shop/x".into()], ..rule.clone() }, "rules[0].identities[0]");
    let half_a_segment = vec!["spiffe://shop.local/shop/pay*".into()];
    refused(proto::AccessRule { identities: half_a_segment, ..rule.clone() }, "rules[0].identities[0]");
    refused(proto::AccessRule { methods: vec!["/a.B/C".into()], ..rule.clone() }, "rules[0].methods[0]");
    refused(proto::AccessRule { methods: vec!["a.B/C*".into()], ..rule }, "rules[0].methods[0]");
    let abroad = |s: &mut proto::Snapshot| s.trust_domain = "other.local".into();
    assert_refused(abroad, "inbound", "identity");
}

#[test]
fn load_and_breaker_of_an_endpoint_go_on_by_its_id() {
    let first = snapshot(&mesh());
    let before = payments_cluster(&first).endpoints()[0].clone();
    let now = Instant::now();
    before.begin(now);
    let mut wire = mesh();
    wire.revision = 13;
    wire.clusters[0].endpoints[0].weight = 5;
    let second = next_snapshot(&wire, &first);
    let after = payments_cluster(&second).endpoints()[0].clone();
    assert_eq!((after.in_flight(), after.weight, after.key()), (1, 5, before.key()));
    before.settle(before.ticket(), now, ms(1), &Outcome::connect_failed(), MethodLabel::OTHER);
    assert_eq!((after.in_flight(), after.consecutive_failures(), after.failures()), (0, 1, 1));
}

#[test]
fn an_endpoint_at_another_address_is_another_process() {
    let first = snapshot(&mesh());
    let now = Instant::now();
    payments_cluster(&first).endpoints()[0].begin(now);
    let mut wire = mesh();
    wire.clusters[0].endpoints[0].port = 9100;
    let second = next_snapshot(&wire, &first);
    let moved = &payments_cluster(&second).endpoints()[0];
    assert_eq!(moved.in_flight(), 0);
    assert_ne!(moved.key(), payments_cluster(&first).endpoints()[0].key());
}

#[test]
fn clusters_that_list_the_same_endpoint_share_its_load() {
    let mut wire = mesh();
    wire.clusters.push(proto::Cluster { name: "shop/payments#v1".into(), ..wire.clusters[0].clone() });
    let snapshot = snapshot(&wire);
    payments_cluster(&snapshot).endpoints()[2].begin(Instant::now());
    assert_eq!(snapshot.cluster("shop/payments#v1").expect("the subset").endpoints()[2].in_flight(), 1);
}

#[test]
fn what_a_service_holds_goes_on_under_new_limits() {
    let first = snapshot(&mesh());
    payments(&first).breaker.acquire(Limit::Requests).expect("under the limit");
    let mut wire = mesh();
    let breaker = proto::CircuitBreaker { max_connections: 1, max_pending: 1, max_requests: 1, max_retries: 0 };
    wire.services[0].circuit_breaker = Some(breaker);
    let second = next_snapshot(&wire, &first);
    assert_eq!(payments(&second).breaker.held(Limit::Requests), 1);
    payments(&second).breaker.acquire(Limit::Requests).expect_err("at the new limit");
    payments(&first).breaker.acquire(Limit::Requests).expect("calls in flight keep their snapshot's limits");
}

#[test]
fn a_refused_snapshot_changes_nothing_of_the_one_in_force() {
    let first = snapshot(&mesh());
    let mut wire = mesh();
    wire.services[0].circuit_breaker = Some(proto::CircuitBreaker::default());
    decode(&wire.encode_to_vec(), Some(&first)).expect_err("limits of 0");
    assert_eq!(payments(&first).breaker.limits().requests, 1024);
    assert_eq!(first.revision(), 12);
}

proptest! {
    #[test]
    fn garbage_is_refused_and_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        if let Ok(snapshot) = decode(&bytes, None) {
            prop_assert!(snapshot.revision() > 0);
        }
    }

    #[test]
    fn a_snapshot_with_a_byte_changed_never_panics(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = mesh().encode_to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Err(refused) = decode(&bytes, Some(&snapshot(&mesh()))) {
            prop_assert!(!refused.resource.is_empty() && !refused.detail.is_empty());
        }
    }
}
