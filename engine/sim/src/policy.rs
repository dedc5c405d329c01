//! The policy of one revision, and the snapshots that the control plane makes of it.

use crate::addresses::{app_address, inbound_address};
use crate::facts::{Fact, Facts};
use crate::scenario::{Kind, ServerPlan};
use prost::Message;
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

/// How the servers' sidecars take the callers' identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callers {
    /// A rule lets it in.
    Allowed,
    /// The rule that lets somebody in names another.
    NotNamed,
    /// A rule lets it in, and another one keeps it out.
    Banned,
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
    /// Whether they let the callers in at all.
    pub callers: Callers,
    /// Servers that are said to fail their health checks.
    pub sick: Vec<usize>,
    /// A server whose sidecar is said to have another identity than it proves.
    pub mistaken: Option<usize>,
}

/// What callers of the mesh go by.
pub(crate) const AUTHORITY: &str = "echo.shop";
const SERVICE: &str = "shop/echo";
pub(crate) const FRONT: &str = "spiffe://shop.local/shop/front";
pub(crate) const ECHO: &str = "spiffe://shop.local/shop/echo";
pub(crate) const OTHER: &str = "spiffe://shop.local/shop/other";

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

    /// Whether a call may be sent to a server: one that is well, or any where fewer than half of its cluster are; and
    /// none that cannot prove what it is asked to.
    pub(crate) fn may_reach(&self, server: usize) -> bool {
        let sick = |server: &&usize| self.sick.contains(server);
        let takes = |(servers, weight): &(Vec<usize>, u32)| {
            let in_panic = servers.iter().filter(sick).count() * 2 > servers.len();
            *weight > 0 && servers.contains(&server) && (in_panic || !sick(&&server))
        };
        self.mistaken != Some(server) && self.split.iter().any(takes)
    }

    /// Whether a call may find a cluster in which there is nobody.
    pub(crate) fn may_be_empty(&self) -> bool {
        self.split.iter().any(|(servers, weight)| *weight > 0 && servers.is_empty())
    }

    /// Whether a server's sidecar lets the callers' calls in.
    pub(crate) fn lets_in(&self, kind: Kind) -> bool {
        self.callers == Callers::Allowed && self.denied != Some(kind)
    }

    /// When a call must have ended that arrives now (design: semantics, "Deadlines").
    pub(crate) fn time_for(&self, kind: Kind, caller: Option<Duration>, facts: Facts) -> Option<Duration> {
        let capped = !facts.has(Fact::Quiet) && self.declared && kind.is_unary();
        match (caller, self.request_timeout) {
            (Some(caller), Some(cap)) => Some(caller.min(cap)),
            (None, None) if capped => Some(Duration::from_secs(15)),
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
                identity: self.identity_of(*server, has_sidecar).into(),
                weight: 1,
                healthy: !self.sick.contains(server),
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

    fn identity_of(&self, server: usize, has_sidecar: bool) -> &'static str {
        match has_sidecar {
            true if self.mistaken == Some(server) => OTHER,
            true => ECHO,
            false => "",
        }
    }

    /// Callers are let in by a rule; they, or one method, may be refused by another.
    fn inbound(&self) -> proto::Inbound {
        let rule = |policy: &str, action: proto::AccessAction, caller: &str, methods| proto::AccessRule {
            policy: policy.into(),
            rule: 0,
            action: action.into(),
            identities: vec![caller.into()],
            methods,
        };
        let (allow, deny) = (proto::AccessAction::Allow, proto::AccessAction::Deny);
        let denied = self.denied.map(|kind| rule("shop/not-this", deny, FRONT, vec![kind.method().into()]));
        let banned = (self.callers == Callers::Banned).then(|| rule("shop/not-they", deny, FRONT, Vec::new()));
        let named = if self.callers == Callers::NotNamed { OTHER } else { FRONT };
        let allowed = rule("shop/front", allow, named, Vec::new());
        proto::Inbound {
            identity: ECHO.into(),
            service: SERVICE.into(),
            rules: denied.into_iter().chain(banned).chain([allowed]).collect(),
            methods: self.methods(),
            ..Default::default()
        }
    }
}

fn cluster_name(at: usize) -> String {
    format!("{SERVICE}#{at}")
}

fn wire(duration: Duration) -> prost_types::Duration {
    prost_types::Duration { seconds: duration.as_secs() as i64, nanos: duration.subsec_nanos() as i32 }
}
