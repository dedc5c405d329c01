//! What one connection is told at its start.

use crate::limits::{HeaderLimits, PeerLimits};

/// Which end of the connection this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Opens streams.
    Client,
    /// Answers them.
    Server,
}

/// Settings of one connection: plain data. `Default` gives the design's figures for a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// This end's role.
    pub role: Role,
    /// Streams the peer may have open at once (SETTINGS_MAX_CONCURRENT_STREAMS), default 100.
    pub max_concurrent_streams: u32,
    /// Bytes a stream may send us unreleased (SETTINGS_INITIAL_WINDOW_SIZE), default 65 536, at most 2^31-1.
    pub stream_window: u32,
    /// Bytes the whole connection may send us before we have read them, default 1 MiB, at least 65 535.
    pub connection_window: u32,
    /// Bytes up to which a stream's window grows while the peer uses it up fast and all is released at once; default
    /// 4 MiB, no growth where it is not over [`Self::stream_window`].
    pub max_stream_window: u32,
    /// The same of the connection, and the bytes by which the windows of all its streams together may have grown; default
    /// 16 MiB.
    pub max_connection_window: u32,
    /// Largest frame payload we take (SETTINGS_MAX_FRAME_SIZE), default 16 384, up to 2^24-1.
    pub max_frame_size: u32,
    /// Bounds on received field sections.
    pub header_limits: HeaderLimits,
    /// Bounds on work that costs the peer nothing.
    pub peer_limits: PeerLimits,
    /// Most bytes of our encoder's dynamic table, whatever the peer allows; default 4 096.
    pub encoder_table: u32,
    /// Above this many unwritten bytes DATA waits on its stream as if its window were shut; default 256 KiB.
    pub output_high_water: usize,
}

// === impl Config ===

impl Config {
    /// The defaults for `role`.
    #[must_use]
    pub fn new(role: Role) -> Self {
        Self { role, ..Self::default() }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            role: Role::Server,
            max_concurrent_streams: 100,
            stream_window: 65_536,
            connection_window: 1 << 20,
            max_stream_window: 4 << 20,
            max_connection_window: 16 << 20,
            max_frame_size: 16_384,
            header_limits: HeaderLimits::default(),
            peer_limits: PeerLimits::default(),
            encoder_table: 4_096,
            output_high_water: 256 * 1024,
        }
    }
}
