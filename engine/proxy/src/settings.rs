//! `EngineConfig`, checked: true from here on.

use crate::error::InvalidConfig;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;
use tulle_http2::{Config, HeaderLimits, Role};
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
    pub application: Option<SocketAddr>,
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

/// What a peer may cost (design: semantics, "Metadata and limits").
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Streams of a connection; default 100.
    pub max_concurrent_streams: u32,
    /// Received field sections.
    pub headers: HeaderLimits,
    /// Bytes; default 65 536.
    pub stream_window: u32,
    /// Bytes; default 1 MiB.
    pub connection_window: u32,
    /// Bytes of a call's request kept for another attempt; default 65 536.
    pub retry_buffer_per_call: usize,
    /// Bytes of a worker's requests kept for other attempts; default 16 MiB.
    pub retry_buffer_per_worker: usize,
    /// TLS, preface and first SETTINGS; default 10 s.
    pub handshake_timeout: Duration,
    /// Life of a connection without streams; default 15 min.
    pub idle_timeout: Duration,
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
            application: address("application", &config.application)?,
            identity_dir: (!config.identity_dir.is_empty()).then(|| config.identity_dir.into()),
            workers: workers(config.workers),
            upstream_ports: config.upstream_ports.into_iter().map(upstream_port).collect::<Result<_, _>>()?,
            trace_ratio: trace_ratio(config.trace_ratio)?,
            inbound_plaintext: config.inbound_plaintext,
            limits: limits(&config.limits.unwrap_or_default())?,
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

// === impl Limits ===

impl Limits {
    /// The codec's configuration for one end of a connection.
    #[must_use]
    pub fn http2(&self, role: Role) -> Config {
        Config {
            max_concurrent_streams: self.max_concurrent_streams,
            stream_window: self.stream_window,
            connection_window: self.connection_window,
            header_limits: self.headers,
            ..Config::new(role)
        }
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

/// "host:port"; a name is resolved, IPv4 first, for that is what applications bind by habit.
fn address(field: &'static str, text: &str) -> Result<Option<SocketAddr>, InvalidConfig> {
    if text.is_empty() {
        return Ok(None);
    }
    let hint = |cause: String| refuse(field, format!("{text:?} is not a host:port such as 127.0.0.1:7440: {cause}"));
    let mut found: Vec<SocketAddr> = text.to_socket_addrs().map_err(|error| hint(error.to_string()))?.collect();
    found.sort_by_key(SocketAddr::is_ipv6);
    found.first().copied().map(Some).ok_or_else(|| hint("the name has no address".to_owned()))
}

fn limits(wire: &proto::Limits) -> Result<Limits, InvalidConfig> {
    let or = |value: u32, default: u32| if value == 0 { default } else { value };
    let limits = Limits {
        max_concurrent_streams: or(wire.max_concurrent_streams, 100),
        headers: HeaderLimits {
            max_list_bytes: or(wire.max_header_list_bytes, 16_384),
            max_fields: or(wire.max_header_fields, 128),
            max_continuations: or(wire.max_continuation_frames, 8),
        },
        stream_window: or(wire.stream_window_bytes, 65_536),
        connection_window: or(wire.connection_window_bytes, 1 << 20),
        retry_buffer_per_call: or(wire.retry_buffer_bytes_per_call, 65_536) as usize,
        retry_buffer_per_worker: or(wire.retry_buffer_bytes_per_worker, 16 << 20) as usize,
        handshake_timeout: duration("limits.handshake_timeout", wire.handshake_timeout, Duration::from_secs(10))?,
        idle_timeout: duration("limits.idle_timeout", wire.idle_timeout, Duration::from_secs(900))?,
    };
    check_windows(&limits)?;
    Ok(limits)
}

fn check_windows(limits: &Limits) -> Result<(), InvalidConfig> {
    if limits.stream_window > i32::MAX as u32 {
        return Err(refuse("limits.stream_window_bytes", "is over 2147483647 (RFC 9113, section 6.9.1)"));
    }
    if limits.connection_window > i32::MAX as u32 || limits.connection_window < 65_535 {
        return Err(refuse("limits.connection_window_bytes", "is not between 65535 and 2147483647"));
    }
    Ok(())
}

fn duration(
    field: &'static str,
    wire: Option<prost_types::Duration>,
    default: Duration,
) -> Result<Duration, InvalidConfig> {
    let Some(wire) = wire else { return Ok(default) };
    match Duration::try_from(wire) {
        Ok(Duration::ZERO) => Ok(default),
        Ok(duration) => Ok(duration),
        Err(_) => Err(refuse(field, "is negative or out of range")),
    }
}
