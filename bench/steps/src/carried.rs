//! A worker between a caller and its servers: what the worker takes to carry calls.

use crate::line::{Line, REQUEST, server_address};
use crate::policy::{Policy, breaker, cluster, config, millis};
use std::net::SocketAddr;
use tulle_proxy::proto;

/// Two spans a call, and 512 at most wait for the next drain: from here on a worker would only count that it drops them.
const CALLS_BETWEEN_DRAINS: usize = 250;

/// Before an application's calls: `streams` at once, messages of `bytes`.
pub(crate) fn outbound(streams: usize, bytes: usize) -> Box<dyn FnMut(usize)> {
    let mut line = Line::new();
    Box::new(move |calls| line.calls_at_once(calls / streams, streams, bytes))
}

/// Before an application, which only some may call.
pub(crate) fn inbound(bytes: usize) -> Box<dyn FnMut(usize)> {
    let mut line = Line::inbound(&guarded(), &REQUEST, "spiffe://shop.local/shop/front");
    Box::new(move |calls| line.calls(calls, bytes))
}

/// Routes by header and weight, three endpoints, deadlines, retries, breaker, a span a call and an attempt.
pub(crate) fn everything(bytes: usize) -> Box<dyn FnMut(usize)> {
    let config = proto::EngineConfig { trace_ratio: 1.0, ..config() };
    let mut line = Line::outbound(config, &all_policies(), &REQUEST);
    Box::new(move |calls| {
        for _ in 0..calls / CALLS_BETWEEN_DRAINS {
            line.calls(CALLS_BETWEEN_DRAINS, bytes);
            let (_spans, dropped) = line.telemetry().0.spans.take();
            assert_eq!(dropped, 0, "a span was not kept");
        }
    })
}

fn guarded() -> Policy {
    let mut policy = Policy::to(&[]);
    policy.snapshot.inbound = Some(proto::Inbound {
        identity: "spiffe://shop.local/shop/echo".into(),
        service: "shop/echo".into(),
        allow_by_default: false,
        rules: vec![
            rule(proto::AccessAction::Deny, "spiffe://shop.local/shop/cart", "t.Echo/Unary"),
            rule(proto::AccessAction::Allow, "spiffe://shop.local/admin/*", "t.Admin/*"),
            rule(proto::AccessAction::Allow, "spiffe://shop.local/shop/*", "t.Echo/*"),
        ],
        methods: vec![method()],
        circuit_breaker: Some(breaker()),
        health_check: None,
    });
    policy
}

fn rule(action: proto::AccessAction, identity: &str, method: &str) -> proto::AccessRule {
    proto::AccessRule {
        policy: "shop/callers".into(),
        rule: 0,
        action: action.into(),
        identities: vec![identity.into()],
        methods: vec![method.into()],
    }
}

fn method() -> proto::Method {
    proto::Method { path: "/t.Echo/Unary".into(), idempotent: true, ..Default::default() }
}

fn all_policies() -> Policy {
    let one = server_address();
    let endpoints = [one, SocketAddr::new(one.ip(), 2), SocketAddr::new(one.ip(), 3)];
    let mut policy = Policy::to(&endpoints).service(|service| {
        service.methods = vec![method()];
        let beta = proto::HeaderMatch { name: "x-beta".into(), exact: "yes".into() };
        let matches = vec![proto::RouteMatch { headers: vec![beta], ..Default::default() }];
        let other = proto::Route { name: "beta/0".into(), matches, ..service.routes[0].clone() };
        service.routes.insert(0, other);
        service.routes[1].backends[0].weight = 90;
        service.routes[1].backends.push(proto::WeightedCluster { cluster: "shop/echo#canary".into(), weight: 10 });
        let policy = service.routes[1].policy.as_mut().expect("a policy");
        policy.request_timeout = Some(millis(10_000));
        policy.per_try_timeout = Some(millis(1_000));
    });
    policy.snapshot.clusters.push(cluster("shop/echo#canary", &endpoints[2..]));
    for cluster in &mut policy.snapshot.clusters {
        cluster.load_balancing = proto::LoadBalancing::P2cPeakEwma.into();
    }
    policy
}
