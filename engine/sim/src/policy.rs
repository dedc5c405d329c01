//! The policy of one revision, and the snapshots that the control plane makes of it.

use crate::scenario::{Kind, ServerPlan};
use prost::Message;
use std::net::SocketAddr;
use std::time::Duration;
use tulle_proxy::proto::{self, Snapshot};

/// A new revision.
#[derive(Clone, Debug, PartialEq)]
pub struct Push {
    /// When the control plane makes it.
    pub at: Duration,
    /// What it says.
    pub policy: PolicyPlan,
}

/// What is wrong with a snapshot that must be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// No snapshot at all.
    Garbage,
    /// A route to a cluster that is not there.
    UnknownCluster,
    /// An endpoint named twice.
    TwiceTheEndpoint,
    /// Nine attempts.
    TooManyAttempts,
}

/// The policy of one revision, as far as runs differ in it.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyPlan {
    /// What makes it one that is refused.
    pub flaw: Option<Flaw>,
    /// Servers and weight of each cluster that the service's calls are split over.
    pub split: Vec<(Vec<usize>, u32)>,
    /// One after the other, else two choices.
    pub round_robin: bool,
    /// Whether methods are declared.
    pub declared: bool,
    /// Cap on a call.
    pub request_timeout: Option<Duration>,
    /// Cap on an attempt.
    pub per_try_timeout: Option<Duration>,
    /// Attempts in all.
    pub attempts: u32,
    /// Codes that are tried again.
    pub codes: Vec<u32>,
    /// Whether every method may be executed twice.
    pub idempotent: bool,
    /// Limits of the service: connections, pending, requests, retries.
    pub limits: [u32; 4],
    /// Failures in a row that open an endpoint.
    pub accrual: u32,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// A method that the servers' sidecars refuse.
    pub denied: Option<Kind>,
}

/// What callers of the mesh go by.
pub(crate) const AUTHORITY: &str = "echo.shop";
const SERVICE: &str = "shop/echo";
pub(crate) const FRONT: &str = "spiffe://shop.local/shop/front";
const ECHO: &str = "spiffe://shop.local/shop/echo";

// === impl PolicyPlan ===

impl PolicyPlan {
    /// The snapshot of one sidecar, as its bytes; `sidecar` is 0 for the callers' own.
    pub(crate) fn snapshot(&self, revision: u64, sidecar: usize, servers: &[ServerPlan]) -> Vec<u8> {
        if self.flaw == Some(Flaw::Garbage) {
            return vec![0xFF; 40];
        }
        let mut snapshot = Snapshot { revision, trust_domain: "shop.local".into(), ..Default::default() };
        if sidecar == 0 {
            snapshot.clusters =
                self.split.iter().enumerate().map(|(at, one)| self.cluster(at, &one.0, servers)).collect();
            snapshot.services = vec![self.service()];
        } else {
            snapshot.inbound = Some(self.inbound());
        }
        self.spoil(&mut snapshot);
        snapshot.encode_to_vec()
    }

    /// What the NACK of a flawed snapshot must name; `None` where the flaw does not concern this sidecar.
    pub(crate) fn refused_resource(&self, sidecar: usize) -> Option<&'static str> {
        match self.flaw? {
            Flaw::Garbage => Some("snapshot"),
            Flaw::UnknownCluster | Flaw::TooManyAttempts => (sidecar == 0).then_some("service:shop/echo"),
            Flaw::TwiceTheEndpoint => (sidecar == 0).then_some("cluster:shop/echo#0"),
        }
    }

    /// Every server that a call may be sent to.
    pub(crate) fn may_reach(&self, server: usize) -> bool {
        self.split.iter().any(|(servers, weight)| *weight > 0 && servers.contains(&server))
    }

    /// When a call must have ended that arrives now (design: semantics, "Deadlines").
    pub(crate) fn time_for(&self, kind: Kind, caller: Option<Duration>) -> Option<Duration> {
        match (caller, self.request_timeout) {
            (Some(caller), Some(cap)) => Some(caller.min(cap)),
            (None, None) if self.declared && kind.is_unary() => Some(Duration::from_secs(15)),
            (caller, cap) => caller.or(cap),
        }
    }

    fn spoil(&self, snapshot: &mut Snapshot) {
        let Some(service) = snapshot.services.first_mut() else { return };
        match self.flaw {
            Some(Flaw::UnknownCluster) => service.routes[0].backends[0].cluster = "shop/nowhere".into(),
            Some(Flaw::TooManyAttempts) => {
                let policy = service.routes[0].policy.as_mut();
                policy.and_then(|policy| policy.retry.as_mut()).expect("a policy with retries").attempts = 9;
            }
            Some(Flaw::TwiceTheEndpoint) => {
                let endpoints = &mut snapshot.clusters[0].endpoints;
                endpoints.push(endpoints[0].clone());
            }
            Some(Flaw::Garbage) | None => {}
        }
    }

    fn service(&self) -> proto::Service {
        let backend = |(at, one): (usize, &(Vec<usize>, u32))| proto::WeightedCluster {
            cluster: cluster_name(at),
            weight: one.1,
        };
        let [max_connections, max_pending, max_requests, max_retries] = self.limits;
        proto::Service {
            name: SERVICE.into(),
            authorities: vec![AUTHORITY.into()],
            routes: vec![proto::Route {
                name: "default".into(),
                backends: self.split.iter().enumerate().map(backend).collect(),
                policy: Some(self.route_policy()),
                ..Default::default()
            }],
            methods: self.methods(),
            circuit_breaker: Some(proto::CircuitBreaker { max_connections, max_pending, max_requests, max_retries }),
        }
    }

    fn route_policy(&self) -> proto::RoutePolicy {
        proto::RoutePolicy {
            request_timeout: self.request_timeout.map(wire),
            per_try_timeout: self.per_try_timeout.map(wire),
            retry: Some(proto::Retry {
                attempts: self.attempts,
                status_codes: self.codes.clone(),
                budget_percent: 20,
                budget_min_per_second: 10,
                ..Default::default()
            }),
            idempotent: self.idempotent,
        }
    }

    fn methods(&self) -> Vec<proto::Method> {
        let method = |kind: Kind| proto::Method {
            path: format!("/{}", kind.method()),
            client_streaming: kind.client_streams(),
            server_streaming: kind.server_streams(),
            idempotent: kind == Kind::Idempotent,
        };
        if self.declared { Kind::ALL.map(method).to_vec() } else { Vec::new() }
    }

    fn cluster(&self, at: usize, servers: &[usize], plans: &[ServerPlan]) -> proto::Cluster {
        let endpoint = |server: &usize| {
            let has_sidecar = plans[*server].has_sidecar;
            let address = if has_sidecar { inbound_address(*server) } else { app_address(*server) };
            proto::Endpoint {
                id: format!("echo-{server}"),
                address: address.ip().to_string(),
                port: address.port().into(),
                identity: if has_sidecar { ECHO.into() } else { String::new() },
                weight: 1,
                healthy: true,
                ..Default::default()
            }
        };
        let balancing =
            if self.round_robin { proto::LoadBalancing::RoundRobin } else { proto::LoadBalancing::P2cPeakEwma };
        proto::Cluster {
            name: cluster_name(at),
            endpoints: servers.iter().map(endpoint).collect(),
            load_balancing: balancing.into(),
            failure_accrual: Some(proto::FailureAccrual { consecutive_failures: self.accrual, ..Default::default() }),
            connect_timeout: Some(wire(self.connect_timeout)),
        }
    }

    /// Callers are let in by a rule; one method may be refused to them by another.
    fn inbound(&self) -> proto::Inbound {
        let rule = |policy: &str, action: proto::AccessAction, methods| proto::AccessRule {
            policy: policy.into(),
            rule: 0,
            action: action.into(),
            identities: vec![FRONT.into()],
            methods,
        };
        let denied =
            self.denied.map(|kind| rule("shop/not-this", proto::AccessAction::Deny, vec![kind.method().into()]));
        let allowed = rule("shop/front", proto::AccessAction::Allow, Vec::new());
        proto::Inbound {
            identity: ECHO.into(),
            service: SERVICE.into(),
            rules: denied.into_iter().chain([allowed]).collect(),
            methods: self.methods(),
            ..Default::default()
        }
    }
}

fn cluster_name(at: usize) -> String {
    format!("{SERVICE}#{at}")
}

/// Where the sidecar before a server takes calls.
pub(crate) fn inbound_address(server: usize) -> SocketAddr {
    SocketAddr::from(([10, 0, 1, server as u8 + 1], 7000))
}

/// Where a server itself does.
pub(crate) fn app_address(server: usize) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 9000 + server as u16))
}

fn wire(duration: Duration) -> prost_types::Duration {
    prost_types::Duration { seconds: duration.as_secs() as i64, nanos: duration.subsec_nanos() as i32 }
}
