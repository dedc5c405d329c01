//! Any bytes as a snapshot: refused with a resource and a reason, or a policy that can be obeyed, again and again.

use std::time::{Duration, Instant};

use prost::Message;
use tulle_mesh::balance::Picked;
use tulle_mesh::outcome::Outcome;
use tulle_mesh::proto;
use tulle_mesh::random::SplitMix64;
use tulle_mesh::snapshot::{Service, Snapshot};
use tulle_mesh::spiffe::SpiffeId;
use tulle_mesh::wire::decode;

const PATHS: [&[u8]; 5] = [b"/t.Echo/Unary", b"/t.Echo/Stream", b"/", b"*", b"/t.Echo/Unary/more"];

/// The bytes are a serialized `Snapshot`.
pub fn run(data: &[u8]) {
    let decoded = decode(data, None);
    let snapshot = match decoded {
        Ok(snapshot) => snapshot,
        Err(refused) => {
            assert!(!refused.resource.is_empty() && !refused.detail.is_empty());
            assert_eq!(decode(data, None).err(), Some(refused), "refused for another reason");
            return;
        }
    };
    obey(&snapshot, data);
    let again = decode(data, Some(&snapshot)).expect("what was taken once is taken again");
    assert_eq!(again.revision(), snapshot.revision());
    remembers(&snapshot, &again);
    obey(&again, data);
}

/// A good snapshot, for a corpus to begin with.
#[must_use]
pub fn example() -> Vec<u8> {
    let mut snapshot = crate::mesh::snapshot();
    let rule = proto::AccessRule {
        policy: "shop/front-only".into(),
        rule: 1,
        action: proto::AccessAction::Deny.into(),
        identities: vec!["spiffe://shop.local/shop/*".into()],
        methods: vec!["t.Echo/Stream".into(), "t.Other/*".into()],
    };
    let method = proto::Method { path: "/t.Echo/Unary".into(), idempotent: true, ..Default::default() };
    let header = proto::HeaderMatch { name: "x-canary".into(), exact: "1".into() };
    let matches = vec![proto::RouteMatch { service: "t.Echo".into(), method: "Unary".into(), headers: vec![header] }];
    let (base, max) =
        (prost_types::Duration { seconds: 0, nanos: 5_000_000 }, prost_types::Duration { seconds: 1, nanos: 0 });
    let retry = proto::Retry {
        attempts: 3,
        status_codes: vec![14],
        backoff_base: Some(base),
        backoff_max: Some(max),
        budget_percent: 20,
        budget_min_per_second: 10,
    };
    let policy = proto::RoutePolicy {
        request_timeout: Some(max),
        per_try_timeout: Some(base),
        retry: Some(retry),
        idempotent: true,
    };
    let service = &mut snapshot.services[0];
    let backends = service.routes[0].backends.clone();
    service.routes.insert(0, proto::Route { name: "canary/0".into(), matches, backends, policy: Some(policy) });
    service.methods.push(method.clone());
    let breaker = proto::CircuitBreaker { max_connections: 8, max_pending: 8, max_requests: 8, max_retries: 1 };
    service.circuit_breaker = Some(breaker);
    if let Some(inbound) = &mut snapshot.inbound {
        inbound.rules.push(rule);
        inbound.methods.push(method);
    }
    snapshot.encode_to_vec()
}

fn obey(snapshot: &Snapshot, data: &[u8]) {
    assert!(snapshot.revision() > 0);
    let wire = proto::Snapshot::decode(data).expect("it was decoded before");
    for service in &wire.services {
        for authority in &service.authorities {
            let found = snapshot.service(authority.to_ascii_uppercase().as_bytes());
            assert_eq!(found.map(|found| &*found.name), Some(&*service.name), "{authority}");
        }
    }
    for service in snapshot.services() {
        call(service);
    }
    authorize(snapshot);
}

fn call(service: &Service) {
    let (now, mut random) = (Instant::now(), SplitMix64::new(1));
    for path in PATHS {
        let Some(route) = service.route(path, |_, _| false) else { continue };
        let cluster = route.pick_cluster(&mut random);
        let method = service.method(path).label;
        let Ok(Picked { cell, ticket }) = cluster.take(&[], now, &mut random) else { continue };
        cell.begin(now);
        cell.settle(ticket, now, Duration::from_millis(1), &Outcome::connect_failed(), method);
        assert!(cell.weight > 0);
    }
}

fn authorize(snapshot: &Snapshot) {
    let Some(inbound) = snapshot.inbound() else { return };
    let caller = SpiffeId::parse("spiffe://shop.local/shop/front").expect("a good id");
    for path in PATHS {
        let once = format!("{:?}", inbound.authorize(&caller, path));
        assert_eq!(once, format!("{:?}", inbound.authorize(&caller, path)));
        assert!(path.starts_with(b"/") || once.starts_with("Deny"), "{once}");
    }
}

/// A policy that is applied again forgets no failure of an endpoint.
fn remembers(before: &Snapshot, after: &Snapshot) {
    for cluster in before.clusters() {
        let same = after.cluster(cluster.name()).expect("the same clusters");
        for (old, new) in cluster.endpoints().iter().zip(same.endpoints()) {
            assert_eq!((old.key(), old.failures(), old.state()), (new.key(), new.failures(), new.state()));
        }
    }
}
