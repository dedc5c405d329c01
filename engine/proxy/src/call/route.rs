//! What is decided about a call that the application makes: service, route, cluster, deadline.

use super::reply::Refusal;
use crate::worker::names::Listener;
use std::sync::Arc;
use tulle_http2::Fields;
use tulle_mesh::balance::Cluster;
use tulle_mesh::method::MethodInfo;
use tulle_mesh::random::Random;
use tulle_mesh::reason::Reason;
use tulle_mesh::router::Route;
use tulle_mesh::snapshot::{Service, Snapshot};

/// What holds for an outbound call from its first byte to its last.
#[derive(Clone, Debug)]
pub(crate) struct Routed {
    pub(crate) service: Arc<Service>,
    pub(crate) route: Arc<Route>,
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) method: MethodInfo,
}

/// `own` is the service that calls. Decides by what the connection is for (a port's or a CONNECT's authority) and else by the call's `:authority`.
pub(crate) fn decide(
    snapshot: Option<&Snapshot>,
    own: &str,
    authority: Option<&[u8]>,
    head: &Fields,
    random: &mut impl Random,
) -> Result<Routed, Refusal> {
    let Some(snapshot) = snapshot else {
        return Err(Refusal::local(Reason::NoRoute, "this sidecar has no policy yet; is the control plane reachable?"));
    };
    let authority = authority.or_else(|| head.get(b":authority")).or_else(|| head.get(b"host")).unwrap_or_default();
    let path = head.get(b":path").unwrap_or_default();
    let service = snapshot.service(authority).ok_or_else(|| unknown(authority, own))?;
    // "*", or none: CONNECT and OPTIONS are no calls of a method, whatever a route takes.
    if !path.starts_with(b"/") {
        return Err(no_rule(service, path));
    }
    let has = |name: &str, value: &[u8]| head.iter().any(|one| one.name == name.as_bytes() && one.value == value);
    let route = service.route(path, has).ok_or_else(|| no_rule(service, path))?;
    let cluster = route.pick_cluster(random);
    Ok(Routed {
        service: service.clone(),
        route: route.clone(),
        cluster: cluster.clone(),
        method: service.method(path),
    })
}

/// The authority that routes all calls of a connection, as its listener is configured.
pub(crate) fn port_authority(listener: Listener, ports: &[crate::settings::UpstreamPort]) -> Option<Box<[u8]>> {
    match listener {
        Listener::UpstreamPort(index) => ports.get(index).map(|port| port.authority.as_bytes().into()),
        Listener::Outbound | Listener::Inbound | Listener::InboundPlaintext => None,
    }
}

fn unknown(authority: &[u8], own: &str) -> Refusal {
    let name = authority.escape_ascii();
    let message = format!(
        "no service answers to the authority {name}; declare a Service of that name, or add it to the upstreams of Service {own}"
    );
    Refusal::local(Reason::UnknownService, message)
}

fn no_rule(service: &Service, path: &[u8]) -> Refusal {
    let message = format!("no route of {} takes {}", service.name, path.escape_ascii());
    Refusal::local(Reason::NoRoute, message)
}
