//! Snapshots for tests: what is not said has the value that the control plane would fill in.

use prost::Message;
use prost_types::Duration;
use std::net::SocketAddr;
use tulle_proxy::proto::{self, Snapshot};

/// A snapshot with one service, "shop/echo" at the authority "echo.shop".
pub(crate) struct Policy {
    pub(crate) snapshot: Snapshot,
}

impl Policy {
    pub(crate) fn to(endpoints: &[SocketAddr]) -> Self {
        let cluster = cluster("shop/echo", endpoints);
        let route = proto::Route {
            name: "default".into(),
            backends: vec![proto::WeightedCluster { cluster: "shop/echo".into(), weight: 1 }],
            policy: Some(proto::RoutePolicy { retry: Some(retry(2)), ..Default::default() }),
            ..Default::default()
        };
        let service = proto::Service {
            name: "shop/echo".into(),
            authorities: vec!["echo.shop".into()],
            routes: vec![route],
            circuit_breaker: Some(breaker()),
            ..Default::default()
        };
        Self {
            snapshot: Snapshot {
                revision: 1,
                trust_domain: "shop.local".into(),
                services: vec![service],
                clusters: vec![cluster],
                ..Default::default()
            },
        }
    }

    pub(crate) fn route(mut self, change: impl FnOnce(&mut proto::RoutePolicy)) -> Self {
        change(self.snapshot.services[0].routes[0].policy.as_mut().expect("a policy"));
        self
    }

    pub(crate) fn service(mut self, change: impl FnOnce(&mut proto::Service)) -> Self {
        change(&mut self.snapshot.services[0]);
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.snapshot.encode_to_vec()
    }
}

pub(crate) fn retry(attempts: u32) -> proto::Retry {
    proto::Retry {
        attempts,
        status_codes: vec![14],
        backoff_base: Some(millis(5)),
        backoff_max: Some(millis(50)),
        budget_percent: 20,
        budget_min_per_second: 10,
    }
}

pub(crate) fn breaker() -> proto::CircuitBreaker {
    proto::CircuitBreaker { max_connections: 1024, max_pending: 1024, max_requests: 1024, max_retries: 3 }
}

pub(crate) fn cluster(name: &str, endpoints: &[SocketAddr]) -> proto::Cluster {
    let endpoint = |(index, address): (usize, &SocketAddr)| proto::Endpoint {
        id: format!("{name}-{index}"),
        address: address.ip().to_string(),
        port: address.port().into(),
        weight: 1,
        healthy: true,
        ..Default::default()
    };
    proto::Cluster {
        name: name.into(),
        endpoints: endpoints.iter().enumerate().map(endpoint).collect(),
        load_balancing: proto::LoadBalancing::RoundRobin.into(),
        outlier: Some(proto::Outlier {
            consecutive_failures: 7,
            open_base: Some(millis(1000)),
            open_max: Some(millis(60_000)),
            ..Default::default()
        }),
        connect_timeout: Some(millis(5000)),
        ..Default::default()
    }
}

pub(crate) fn millis(ms: i64) -> Duration {
    Duration { seconds: ms / 1000, nanos: (ms % 1000) as i32 * 1_000_000 }
}

pub(crate) fn config() -> proto::EngineConfig {
    proto::EngineConfig {
        service: "shop/front".into(),
        instance: "front-1".into(),
        outbound_listen: "127.0.0.1:0".into(),
        workers: 1,
        ..Default::default()
    }
}
