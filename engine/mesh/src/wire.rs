//! From the wire to the model: every quantity checked, every refusal naming its resource and field.

mod cluster;
mod field;
mod inbound;
mod known;
mod route;
mod service;

use crate::hash::FastMap;
use crate::proto;
use crate::router::Authorities;
use crate::snapshot::{Service, Snapshot};
use crate::spiffe::check_trust_domain;
use field::{Fault, fault};
use known::Known;
use prost::Message;
use std::fmt;
use std::sync::Arc;

/// Why a snapshot was refused; the last one stays in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidSnapshot {
    /// "service:namespace/name", "cluster:namespace/name#subset", "inbound" or "snapshot".
    pub resource: String,
    /// The field, what it holds and what it should.
    pub detail: String,
}

/// Reads a serialized `Snapshot` and checks all of it. Load cells and endpoint breakers go on from `previous` by endpoint
/// id, service breakers, budgets and learned methods by service name, so that a policy change forgets nothing.
///
/// # Errors
/// [`InvalidSnapshot`] names the first resource and field at fault.
pub fn decode(bytes: &[u8], previous: Option<&Snapshot>) -> Result<Snapshot, InvalidSnapshot> {
    let wire =
        proto::Snapshot::decode(bytes).map_err(|cause| invalid("snapshot", format!("is unreadable: {cause}")))?;
    check_head(&wire).map_err(|Fault(detail)| invalid("snapshot", detail))?;
    let mut known = Known::from(previous);
    let mut clusters = FastMap::default();
    for one in &wire.clusters {
        let before = previous.and_then(|p| p.cluster(&one.name)).map(|cluster| &**cluster);
        let built = cluster::build(one, before, &mut known);
        let built = built.map_err(|Fault(detail)| invalid_named("cluster", &one.name, detail))?;
        if clusters.insert(one.name.as_str().into(), Arc::new(built)).is_some() {
            return Err(invalid_named("cluster", &one.name, "name: is there twice".into()));
        }
    }
    let mut services = Vec::with_capacity(wire.services.len());
    for one in &wire.services {
        let before = previous.and_then(|p| service_named(p, &one.name));
        let built = service::build(one, &clusters, before);
        services.push(Arc::new(built.map_err(|Fault(detail)| invalid_named("service", &one.name, detail))?));
    }
    let authorities = authorities(&wire.services)?;
    let inbound = wire.inbound.as_ref().map(|one| inbound::build(one, &wire, previous)).transpose();
    let inbound = inbound.map_err(|Fault(detail)| invalid("inbound", detail))?.map(Arc::new);
    let trust_domain = wire.trust_domain.as_str().into();
    Ok(Snapshot { revision: wire.revision, trust_domain, services, authorities, clusters, inbound })
}

fn check_head(wire: &proto::Snapshot) -> Result<(), Fault> {
    if wire.revision == 0 {
        return Err(fault("revision", "is 0; revisions begin at 1"));
    }
    check_trust_domain(&wire.trust_domain).map_err(|cause| fault("trust_domain", format!("{cause}")))
}

fn service_named<'a>(snapshot: &'a Snapshot, name: &str) -> Option<&'a Service> {
    snapshot.services.iter().find(|service| *service.name == *name).map(|service| &**service)
}

fn authorities(services: &[proto::Service]) -> Result<Authorities, InvalidSnapshot> {
    let mut authorities = Authorities::default();
    for (index, service) in services.iter().enumerate() {
        let refused = |detail| invalid_named("service", &service.name, detail);
        if services[..index].iter().any(|other| other.name == service.name) {
            return Err(refused("name: is there twice".into()));
        }
        for (at, authority) in service.authorities.iter().enumerate() {
            field::authority(at, authority).map_err(|Fault(detail)| refused(detail))?;
            if let Some(other) = authorities.add(authority, index).filter(|other| *other != index) {
                let other = &services[other].name;
                return Err(refused(format!("authorities[{at}]: \"{authority}\" already selects service {other}")));
            }
        }
    }
    Ok(authorities)
}

fn invalid(resource: &str, detail: String) -> InvalidSnapshot {
    InvalidSnapshot { resource: resource.into(), detail }
}

fn invalid_named(kind: &str, name: &str, detail: String) -> InvalidSnapshot {
    InvalidSnapshot { resource: format!("{kind}:{name}"), detail }
}

// === impl InvalidSnapshot ===

impl fmt::Display for InvalidSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.resource, self.detail)
    }
}

impl std::error::Error for InvalidSnapshot {}
