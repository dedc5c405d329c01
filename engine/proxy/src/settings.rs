//! `EngineConfig`, checked: true from here on.

use crate::application::Application;
use crate::error::InvalidConfig;
use crate::limits::Limits;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;
use tulle_mesh::proto;

/// What an engine is told once, at its start. `TryFrom<proto::EngineConfig>` fills in every default.
#[derive(Clone, Debug)]
pub struct Settings {
    /// "namespace/name" of the service that this sidecar stands beside.
    pub service: String,
    /// This instance's id.
    pub instance: String,
    /// Where applications make their calls; loopback.
    pub outbound_listen: Option<SocketAddr>,
    /// Where other sidecars call.
    pub inbound_listen: Option<SocketAddr>,
    /// The application behind the inbound listener.
    pub application: Option<Arc<Application>>,
    /// Where the identity is kept.
    pub identity_dir: Option<PathBuf>,
    /// Threads that carry calls; at least 1.
    pub workers: usize,
    /// A port for each of some upstreams; loopback.
    pub upstream_ports: Vec<UpstreamPort>,
    /// Fraction of calls that get a span when their caller does not decide, 0.0 to 1.0.
    pub trace_ratio: f64,
    /// For benchmarks: the inbound listener takes plaintext, and nobody has an identity.
    pub inbound_plaintext: bool,
    /// What a peer may cost.
    pub limits: Limits,
}

/// A listener whose calls all go to one authority.
#[derive(Clone, Debug)]
pub struct UpstreamPort {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The authority that its calls are routed by, lower case.
    pub authority: String,
}

// === impl Settings ===

impl TryFrom<proto::EngineConfig> for Settings {
    type Error = InvalidConfig;

    fn try_from(config: proto::EngineConfig) -> Result<Self, InvalidConfig> {
        let settings = Self {
            service: service(config.service)?,
            instance: config.instance,
            outbound_listen: loopback("outbound_listen", &config.outbound_listen)?,
            inbound_listen: address("inbound_listen", &config.inbound_listen)?,
            application: application(&config.application, &config.application_also)?,
            identity_dir: (!config.identity_dir.is_empty()).then(|| config.identity_dir.into()),
            workers: workers(config.workers),
            upstream_ports: config.upstream_ports.into_iter().map(upstream_port).collect::<Result<_, _>>()?,
            trace_ratio: trace_ratio(config.trace_ratio)?,
            inbound_plaintext: config.inbound_plaintext,
            limits: Limits::try_from(&config.limits.unwrap_or_default())?,
        };
        settings.check_inbound()?;
        Ok(settings)
    }
}

impl Settings {
    fn check_inbound(&self) -> Result<(), InvalidConfig> {
        if self.inbound_listen.is_none() {
            return Ok(());
        }
        if self.application.is_none() {
            return Err(refuse("application", "is empty; give the host:port of the application behind inbound_listen"));
        }
        if self.identity_dir.is_none() && !self.inbound_plaintext {
            return Err(refuse(
                "identity_dir",
                "is empty; the inbound listener needs a folder that keeps its identity",
            ));
        }
        Ok(())
    }
}

fn refuse(field: &'static str, detail: impl Into<String>) -> InvalidConfig {
    InvalidConfig { field, detail: detail.into() }
}

fn service(name: String) -> Result<String, InvalidConfig> {
    match name.split_once('/') {
        Some((namespace, rest)) if !namespace.is_empty() && !rest.is_empty() && !rest.contains('/') => Ok(name),
        _ => Err(refuse("service", format!("{name:?} is not of the form namespace/name"))),
    }
}

fn workers(wanted: u32) -> usize {
    match wanted {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        some => some as usize,
    }
}

fn trace_ratio(ratio: f64) -> Result<f64, InvalidConfig> {
    if (0.0..=1.0).contains(&ratio) {
        return Ok(ratio);
    }
    Err(refuse("trace_ratio", format!("{ratio} is not between 0.0 and 1.0")))
}

fn upstream_port(port: proto::UpstreamPort) -> Result<UpstreamPort, InvalidConfig> {
    let Some(listen) = loopback("upstream_ports.listen", &port.listen)? else {
        return Err(refuse("upstream_ports.listen", "is empty; give a loopback host:port, port 0 for any free one"));
    };
    if port.authority.is_empty() {
        return Err(refuse("upstream_ports.authority", "is empty; name the upstream, for example payments.shop"));
    }
    Ok(UpstreamPort { listen, authority: port.authority.to_ascii_lowercase() })
}

fn loopback(field: &'static str, text: &str) -> Result<Option<SocketAddr>, InvalidConfig> {
    match address(field, text)? {
        Some(address) if !address.ip().is_loopback() => {
            Err(refuse(field, format!("{text} is not loopback; plaintext is spoken on 127.0.0.1 or [::1] alone")))
        }
        address => Ok(address),
    }
}

/// Every address of the application; the first one is dialled until another is chosen.
fn application(first: &str, also: &[String]) -> Result<Option<Arc<Application>>, InvalidConfig> {
    let mut places = addresses("application", first)?;
    if places.is_empty() {
        return Ok(None);
    }
    for text in also {
        places.extend(addresses("application_also", text)?);
    }
    let first = places.remove(0);
    Ok(Some(Arc::new(Application::new(first, places))))
}

fn address(field: &'static str, text: &str) -> Result<Option<SocketAddr>, InvalidConfig> {
    Ok(addresses(field, text)?.first().copied())
}

/// "host:port"; a name is resolved, IPv4 first, for that is what applications bind by habit. None of an empty text alone.
fn addresses(field: &'static str, text: &str) -> Result<Vec<SocketAddr>, InvalidConfig> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let hint = |cause: String| refuse(field, format!("{text:?} is not a host:port such as 127.0.0.1:7440: {cause}"));
    let mut found: Vec<SocketAddr> = text.to_socket_addrs().map_err(|error| hint(error.to_string()))?.collect();
    found.sort_by_key(SocketAddr::is_ipv6);
    if found.is_empty() {
        return Err(hint("the name has no address".to_owned()));
    }
    Ok(found)
}
