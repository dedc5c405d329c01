//! `Cluster`: endpoints, each over its load, old or new.

use super::field::{Fault, at_least_one, duration, fault, name};
use crate::balance::endpoint::{EndpointCell, EndpointKey, Load, OpenEndpoints};
use crate::balance::{Cluster, ClusterConfig, LoadBalancing};
use crate::hash::FastMap;
use crate::proto;
use crate::resilience::accrual::AccrualPolicy;
use crate::spiffe::SpiffeId;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) fn build(
    wire: &proto::Cluster,
    previous: Option<&Cluster>,
    loads: &mut FastMap<u64, Arc<Load>>,
    open_endpoints: &Arc<OpenEndpoints>,
) -> Result<Cluster, Fault> {
    name("name", &wire.name)?;
    let accrual = accrual(wire.failure_accrual.as_ref())?;
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
        endpoints.push(Arc::new(endpoint(one, accrual, loads, open_endpoints).map_err(within)?));
    }
    Ok(Cluster::new(config, endpoints, open_endpoints.clone(), previous))
}

fn load_balancing(wire: i32) -> Result<LoadBalancing, Fault> {
    match proto::LoadBalancing::try_from(wire) {
        Ok(proto::LoadBalancing::Unspecified | proto::LoadBalancing::P2cPeakEwma) => Ok(LoadBalancing::P2cPeakEwma),
        Ok(proto::LoadBalancing::RoundRobin) => Ok(LoadBalancing::RoundRobin),
        Err(_) => Err(fault("load_balancing", format!("is {wire}, which this engine does not know; is it older?"))),
    }
}

fn accrual(wire: Option<&proto::FailureAccrual>) -> Result<AccrualPolicy, Fault> {
    let default = AccrualPolicy::default();
    let Some(wire) = wire else { return Ok(default) };
    let open_base = duration("failure_accrual.open_base", wire.open_base.as_ref())?.unwrap_or(default.open_base);
    let open_max = duration("failure_accrual.open_max", wire.open_max.as_ref())?.unwrap_or(default.open_max);
    if open_max < open_base {
        return Err(fault("failure_accrual.open_max", "is below open_base; must be at least that"));
    }
    let failures = at_least_one("failure_accrual.consecutive_failures", wire.consecutive_failures)?;
    Ok(AccrualPolicy { consecutive_failures: failures, open_base, open_max })
}

fn endpoint(
    wire: &proto::Endpoint,
    accrual_policy: AccrualPolicy,
    loads: &mut FastMap<u64, Arc<Load>>,
    open_endpoints: &Arc<OpenEndpoints>,
) -> Result<EndpointCell, Fault> {
    if wire.id.is_empty() {
        return Err(fault("id", "is empty; must be the registration's instance id"));
    }
    let address = address(wire)?;
    let identity = identity(&wire.identity)?;
    let key = key(&wire.id, address, identity.as_ref());
    // Shared by all clusters that list the endpoint: its load and its breaker are the endpoint's, not a cluster's.
    let load = loads.entry(key.0).or_insert_with(|| Arc::new(Load::new(open_endpoints.clone()))).clone();
    let weight = at_least_one("weight", wire.weight)?;
    let id = wire.id.as_str().into();
    Ok(EndpointCell { id, address, identity, weight, healthy: wire.healthy, key, accrual_policy, load })
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
