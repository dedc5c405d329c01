//! What a peer may cost: each limit with its default and its range. Zero on the wire means the default.

use crate::error::InvalidConfig;
use std::ops::RangeInclusive;
use std::time::Duration;
use tulle_http2::{Config, HeaderLimits, PeerLimits, Role};
use tulle_mesh::proto;

const MOST_WINDOW: u32 = i32::MAX as u32;
const DAY: Duration = Duration::from_secs(86_400);
const TEN_MINUTES: Duration = Duration::from_secs(600);

/// What a peer may cost (design: semantics, "Metadata and limits"; engine, "Limits").
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Streams of a connection; default 100.
    pub max_concurrent_streams: u32,
    /// Received field sections.
    pub headers: HeaderLimits,
    /// Work that costs the peer nothing.
    pub peer: PeerLimits,
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
    /// How long a unary method's stream may take nothing that waits for it, a socket no byte, or a frame its rest; default
    /// 60 s. Streams of methods that are not declared may pause for ten times as long, declared ones as they like.
    pub stall_timeout: Duration,
}

// === impl Limits ===

impl TryFrom<&proto::Limits> for Limits {
    type Error = InvalidConfig;

    fn try_from(wire: &proto::Limits) -> Result<Self, InvalidConfig> {
        let seconds = Duration::from_secs;
        Ok(Self {
            max_concurrent_streams: count("max_concurrent_streams", wire.max_concurrent_streams, 100, 1..=10_000)?,
            headers: header_limits(wire)?,
            peer: peer_limits(wire)?,
            stream_window: count("stream_window_bytes", wire.stream_window_bytes, 65_536, 1..=MOST_WINDOW)?,
            connection_window: count(
                "connection_window_bytes",
                wire.connection_window_bytes,
                1 << 20,
                65_535..=MOST_WINDOW,
            )?,
            retry_buffer_per_call: count(
                "retry_buffer_bytes_per_call",
                wire.retry_buffer_bytes_per_call,
                65_536,
                1..=64 << 20,
            )? as usize,
            retry_buffer_per_worker: count(
                "retry_buffer_bytes_per_worker",
                wire.retry_buffer_bytes_per_worker,
                16 << 20,
                1..=u32::MAX,
            )? as usize,
            handshake_timeout: time("handshake_timeout", wire.handshake_timeout, seconds(10), TEN_MINUTES)?,
            idle_timeout: time("idle_timeout", wire.idle_timeout, seconds(900), DAY)?,
            stall_timeout: time("stall_timeout", wire.stall_timeout, seconds(60), DAY)?,
        })
    }
}

impl Limits {
    /// The codec's configuration for one end of a connection.
    #[must_use]
    pub fn http2(&self, role: Role) -> Config {
        Config {
            max_concurrent_streams: self.max_concurrent_streams,
            stream_window: self.stream_window,
            connection_window: self.connection_window,
            // They do not grow yet: what grown windows lend shows in resident memory (docs/status.md).
            max_stream_window: self.stream_window,
            max_connection_window: self.connection_window,
            header_limits: self.headers,
            peer_limits: self.peer,
            ..Config::new(role)
        }
    }

    /// The codec's configuration towards the calls of our own application, which may cancel as much as it likes: hedging
    /// clients and searches as one types cancel hundreds of calls a second.
    #[must_use]
    pub fn http2_of_application(&self) -> Config {
        let mut config = self.http2(Role::Server);
        config.peer_limits.resets = PeerLimits::UNLIMITED;
        config
    }

    /// The codec's configuration towards another sidecar, which has let a request or an answer pass by these very limits
    /// and then added fields of its own: what one hop takes the next must not refuse.
    #[must_use]
    pub fn http2_of_sidecar(&self, role: Role) -> Config {
        let config = self.http2(role);
        Config { header_limits: config.header_limits.between_sidecars(), ..config }
    }
}

fn header_limits(wire: &proto::Limits) -> Result<HeaderLimits, InvalidConfig> {
    let default = HeaderLimits::default();
    let (bytes, fields) = (wire.max_header_list_bytes, wire.max_header_fields);
    Ok(HeaderLimits {
        max_list_bytes: count("max_header_list_bytes", bytes, default.max_list_bytes, 1_024..=1 << 20)?,
        max_fields: count("max_header_fields", fields, default.max_fields, 16..=10_000)?,
        max_continuations: count(
            "max_continuation_frames",
            wire.max_continuation_frames,
            default.max_continuations,
            1..=1_000,
        )?,
        block_timeout: time("header_block_timeout", wire.header_block_timeout, default.block_timeout, TEN_MINUTES)?,
        ..default
    })
}

fn peer_limits(wire: &proto::Limits) -> Result<PeerLimits, InvalidConfig> {
    let default = PeerLimits::default();
    let rate = |field, value, default| count(field, value, default, 1..=1_000_000);
    Ok(PeerLimits {
        resets: rate("resets", wire.resets, default.resets)?,
        stream_errors: rate("stream_errors", wire.stream_errors, default.stream_errors)?,
        empty_data: rate("empty_data_frames", wire.empty_data_frames, default.empty_data)?,
        settings: rate("settings_frames", wire.settings_frames, default.settings)?,
        control_frames: rate("control_frames", wire.control_frames, default.control_frames)?,
        unread_frames: rate("unread_frames", wire.unread_frames, default.unread_frames)?,
        unread_bytes: count("unread_bytes", wire.unread_bytes, default.unread_bytes as u32, 65_536..=1 << 30)? as usize,
    })
}

fn count(field: &'static str, value: u32, default: u32, range: RangeInclusive<u32>) -> Result<u32, InvalidConfig> {
    match value {
        0 => Ok(default),
        value if range.contains(&value) => Ok(value),
        value => Err(InvalidConfig {
            field: "limits",
            detail: format!("{field}: {value} is not from {} to {}", range.start(), range.end()),
        }),
    }
}

/// From 100 ms to `most`.
fn time(
    field: &'static str,
    wire: Option<prost_types::Duration>,
    default: Duration,
    most: Duration,
) -> Result<Duration, InvalidConfig> {
    let Some(wire) = wire else { return Ok(default) };
    let least = Duration::from_millis(100);
    match Duration::try_from(wire) {
        Ok(Duration::ZERO) => Ok(default),
        Ok(duration) if (least..=most).contains(&duration) => Ok(duration),
        _ => Err(InvalidConfig {
            field: "limits",
            detail: format!("{field}: {}.{:09} s is not from 0.1 to {} s", wire.seconds, wire.nanos, most.as_secs()),
        }),
    }
}
