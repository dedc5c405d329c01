//! `Cluster`: endpoints, each over its load, old or new; and when one is left out.

use super::field::{Fault, at_least_one, codes, duration, fault, name};
use super::known::{Known, OfService};
use crate::balance::peers::Peers;
use crate::balance::{Cluster, ClusterConfig, EndpointCell, EndpointKey, LoadBalancing};
use crate::proto;
use crate::resilience::accrual::AccrualPolicy;
use crate::spiffe::SpiffeId;
use crate::status::Code;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The application's statuses that a policy may charge to its endpoint; UNAVAILABLE always is.
const FAILURES: [Code; 6] =
    [Code::Unknown, Code::DeadlineExceeded, Code::ResourceExhausted, Code::Internal, Code::Unavailable, Code::DataLoss];

pub(super) fn build(wire: &proto::Cluster, previous: Option<&Cluster>, known: &mut Known) -> Result<Cluster, Fault> {
    name("name", &wire.name)?;
    let accrual = accrual(wire.outlier.as_ref()).map_err(|fault| fault.within("outlier"))?;
    let config = ClusterConfig {
        name: wire.name.as_str().into(),
        load_balancing: load_balancing(wire.load_balancing)?,
        connect_timeout: duration("connect_timeout", wire.connect_timeout.as_ref())?.unwrap_or(CONNECT_TIMEOUT),
        why_empty: wire.why_empty.as_str().into(),
    };
    let mut ids = HashSet::new();
    let mut endpoints = Vec::with_capacity(wire.endpoints.len());
    for (at, one) in wire.endpoints.iter().enumerate() {
        let within = |fault: Fault| fault.within(format_args!("endpoints[{at}]"));
        if !ids.insert(&one.id) {
            return Err(within(fault("id", format!("\"{}\" is there twice", one.id))));
        }
        endpoints.push(endpoint(one, accrual, known.of(&wire.name)).map_err(within)?);
    }
    Ok(Cluster::new(config, endpoints, &accrual, known.of(&wire.name).open_endpoints.clone(), previous))
}

fn load_balancing(wire: i32) -> Result<LoadBalancing, Fault> {
    match proto::LoadBalancing::try_from(wire) {
        Ok(proto::LoadBalancing::Unspecified | proto::LoadBalancing::P2cPeakEwma) => Ok(LoadBalancing::P2cPeakEwma),
        Ok(proto::LoadBalancing::RoundRobin) => Ok(LoadBalancing::RoundRobin),
        Err(_) => Err(fault("load_balancing", format!("is {wire}, which this engine does not know; is it older?"))),
    }
}

fn accrual(wire: Option<&proto::Outlier>) -> Result<AccrualPolicy, Fault> {
    let default = AccrualPolicy::default();
    let Some(wire) = wire else { return Ok(default) };
    let open_base = duration("open_base", wire.open_base.as_ref())?.unwrap_or(default.open_base);
    let open_max = duration("open_max", wire.open_max.as_ref())?.unwrap_or(default.open_max);
    if open_max < open_base {
        return Err(fault("open_max", "is below open_base; must be at least that"));
    }
    let max_ejected_percent = wire.max_ejected_percent.unwrap_or(default.max_ejected_percent);
    if max_ejected_percent > 100 {
        return Err(fault("max_ejected_percent", format!("is {max_ejected_percent}; must be 0 to 100")));
    }
    let consecutive_failures = at_least_one("consecutive_failures", wire.consecutive_failures)?;
    let codes = codes(&wire.status_codes, &FAILURES)?;
    Ok(AccrualPolicy { consecutive_failures, open_base, open_max, max_ejected_percent, codes })
}

fn endpoint(
    wire: &proto::Endpoint,
    accrual_policy: AccrualPolicy,
    known: &mut OfService,
) -> Result<EndpointCell, Fault> {
    if wire.id.is_empty() {
        return Err(fault("id", "is empty; must be the registration's instance id"));
    }
    let address = address(wire)?;
    let identity = identity(&wire.identity)?;
    let key = key(&wire.id, address, identity.as_ref());
    let load = known.load(key);
    let weight = at_least_one("weight", wire.weight)?;
    let (id, peers) = (wire.id.as_str().into(), Arc::<Peers>::default());
    Ok(EndpointCell { id, address, identity, weight, healthy: wire.healthy, key, accrual_policy, load, peers })
}

fn address(wire: &proto::Endpoint) -> Result<SocketAddr, Fault> {
    let ip: IpAddr = wire.address.parse().map_err(|_| {
        fault("address", format!("is {:?}; must be an IP address: names are resolved before", wire.address))
    })?;
    match u16::try_from(wire.port) {
        Ok(port) if port > 0 => Ok(SocketAddr::new(ip, port)),
        _ => Err(fault("port", format!("is {}; must be 1 to 65535", wire.port))),
    }
}

fn identity(wire: &str) -> Result<Option<SpiffeId>, Fault> {
    if wire.is_empty() {
        return Ok(None);
    }
    SpiffeId::parse(wire).map(Some).map_err(|cause| fault("identity", format!("{wire:?} {cause}")))
}

/// SipHash over what makes the endpoint one process with one identity: equal in every snapshot of this engine.
fn key(id: &str, address: SocketAddr, identity: Option<&SpiffeId>) -> EndpointKey {
    let mut hasher = DefaultHasher::new();
    (id, address, identity).hash(&mut hasher);
    EndpointKey(hasher.finish())
}
