//! A mesh in a few words: builds the wire's snapshot and decodes it.

use prost::Message;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tulle_mesh::balance::{Cluster, EndpointCell};
use tulle_mesh::proto;
use tulle_mesh::random::SplitMix64;
use tulle_mesh::reason::Reason;
use tulle_mesh::snapshot::{Service, Snapshot};
use tulle_mesh::telemetry::{FinishedSpan, Words};
use tulle_mesh::wire::{InvalidSnapshot, decode};

pub(crate) const PAYMENTS: &str = "shop/payments";

/// One service "shop/payments" on one cluster of the same name, and the own workload "shop/orders".
pub(crate) fn mesh() -> proto::Snapshot {
    proto::Snapshot {
        revision: 12,
        trust_domain: "shop.local".into(),
        services: vec![service(PAYMENTS, &["payments", "payments.shop", "payments:50051"])],
        clusters: vec![cluster(PAYMENTS, 3)],
        inbound: Some(inbound()),
    }
}

pub(crate) fn service(name: &str, authorities: &[&str]) -> proto::Service {
    proto::Service {
        name: name.into(),
        authorities: authorities.iter().map(ToString::to_string).collect(),
        routes: vec![route("default", &[(name, 1)])],
        ..Default::default()
    }
}

pub(crate) fn route(name: &str, backends: &[(&str, u32)]) -> proto::Route {
    let backends =
        backends.iter().map(|(cluster, weight)| proto::WeightedCluster { cluster: (*cluster).into(), weight: *weight });
    proto::Route { name: name.into(), backends: backends.collect(), ..Default::default() }
}

pub(crate) fn cluster(name: &str, endpoints: usize) -> proto::Cluster {
    proto::Cluster {
        name: name.into(),
        endpoints: (0..endpoints).map(|n| endpoint(&format!("{name}-{n}"), 9000 + n as u32)).collect(),
        ..Default::default()
    }
}

pub(crate) fn endpoint(id: &str, port: u32) -> proto::Endpoint {
    proto::Endpoint {
        id: id.into(),
        address: "127.0.0.1".into(),
        port,
        identity: "spiffe://shop.local/shop/payments".into(),
        weight: 1,
        healthy: true,
        labels: HashMap::new(),
    }
}

pub(crate) fn inbound() -> proto::Inbound {
    proto::Inbound {
        identity: "spiffe://shop.local/shop/orders".into(),
        service: "shop/orders".into(),
        ..Default::default()
    }
}

pub(crate) fn seconds(seconds: u64) -> Option<prost_types::Duration> {
    millis(seconds * 1000)
}

pub(crate) fn millis(millis: u64) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds: (millis / 1000) as i64, nanos: (millis % 1000) as i32 * 1_000_000 })
}

pub(crate) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) fn random() -> SplitMix64 {
    SplitMix64::new(20_240_607)
}

pub(crate) fn read(wire: &proto::Snapshot) -> Result<Snapshot, InvalidSnapshot> {
    decode(&wire.encode_to_vec(), None)
}

pub(crate) fn snapshot(wire: &proto::Snapshot) -> Snapshot {
    read(wire).expect("a valid snapshot")
}

pub(crate) fn next_snapshot(wire: &proto::Snapshot, previous: &Snapshot) -> Snapshot {
    decode(&wire.encode_to_vec(), Some(previous)).expect("a valid snapshot")
}

pub(crate) fn payments(snapshot: &Snapshot) -> &Arc<Service> {
    snapshot.service(b"payments").expect("the service is there")
}

pub(crate) fn payments_cluster(snapshot: &Snapshot) -> &Arc<Cluster> {
    snapshot.cluster(PAYMENTS).expect("the cluster is there")
}

/// A cluster of so many endpoints, and its cells.
pub(crate) fn cells(count: usize) -> (Snapshot, Vec<Arc<EndpointCell>>) {
    let mut wire = mesh();
    wire.clusters = vec![cluster(PAYMENTS, count)];
    let snapshot = snapshot(&wire);
    let cells = payments_cluster(&snapshot).endpoints().to_vec();
    (snapshot, cells)
}

/// An attempt's span of this number.
pub(crate) fn span(attempt_number: u32) -> FinishedSpan {
    FinishedSpan {
        trace_id: [1; 16],
        span_id: [2; 8],
        parent_span_id: Some([3; 8]),
        direction: proto::Direction::Outbound,
        attempt: true,
        start_unix_nano: 10,
        end_unix_nano: 20,
        grpc_status: 14,
        reason: Some(Reason::NoEndpoints),
        attempt_number,
        words: Words::new(["a.A/M", "shop/a", "a-0", "", "größe=1"]),
    }
}
