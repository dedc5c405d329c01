//! `Service`: routes and methods over breaker and budget, old or new.

use super::field::{Fault, fault, limits, methods, name};
use super::route;
use crate::balance::Cluster;
use crate::hash::FastMap;
use crate::method::Methods;
use crate::proto;
use crate::resilience::breaker::ServiceBreaker;
use crate::snapshot::Service;
use std::sync::Arc;

pub(super) fn build(
    wire: &proto::Service,
    clusters: &FastMap<Box<str>, Arc<Cluster>>,
    previous: Option<&Service>,
) -> Result<Service, Fault> {
    name("name", &wire.name)?;
    if wire.routes.is_empty() {
        return Err(fault("routes", "is empty; must have at least the one that matches everything"));
    }
    let routes = wire.routes.iter().enumerate().map(|(at, one)| {
        let built = route::build(one, clusters).map_err(|fault| fault.within(format_args!("routes[{at}]")));
        built.map(Arc::new)
    });
    let routes = routes.collect::<Result<_, _>>()?;
    let limits = limits(wire.circuit_breaker.as_ref())?;
    Ok(Service {
        name: wire.name.as_str().into(),
        breaker: Arc::new(ServiceBreaker::new(limits, previous.map(|p| &*p.breaker))),
        budget: previous.map(|p| p.budget.clone()).unwrap_or_default(),
        routes,
        methods: Methods::new(methods(&wire.methods)?, previous.map(|p| &p.methods)),
    })
}
