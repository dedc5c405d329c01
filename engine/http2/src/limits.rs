//! Bounds on what a peer may cost: its field sections, and work that costs it nothing.

use std::fmt;
use std::time::Duration;

/// Bounds on one received field section. `Default` gives the design's figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderLimits {
    /// Most bytes of a list, each field counting 32 more (RFC 9113 §6.5.2); default 16 384.
    pub max_list_bytes: u32,
    /// Most fields of a list, cookie crumbs counted one by one; default 128.
    pub max_fields: u32,
    /// Encoded bytes up to which a block over those limits is decoded, to keep the table in step, and dropped; beyond, the
    /// connection ends; default 1 MiB.
    pub max_block_bytes: u32,
    /// The same in fields; default 100 000.
    pub max_block_fields: u32,
    /// CONTINUATION frames of a block that may be of any size; those beyond must hold [`Self::WELL_FILLED`] bytes each, on
    /// an average; default 8.
    pub max_continuations: u32,
    /// Time from a block's first byte to its END_HEADERS; default 5 s.
    pub block_timeout: Duration,
}

/// Bounds on work that a peer makes without paying for it. Rates are counted in windows of ten seconds, never over a
/// connection's life: honest events must not add up. `Default` gives the design's figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerLimits {
    /// Requests that are reset within a millisecond, before the other side could have seen them (CVE-2023-44487); default
    /// 2 000, [`Self::UNLIMITED`] for an application whose sidecar we are.
    pub resets: u32,
    /// Streams that we have to reset for the peer's errors (CVE-2025-8671); default 200.
    pub stream_errors: u32,
    /// Empty DATA frames without an end, one after the other (CVE-2019-9518); no rate; default 100.
    pub empty_data: u32,
    /// SETTINGS and their acknowledgements (CVE-2019-9515); default 100.
    pub settings: u32,
    /// PING, PRIORITY, WINDOW_UPDATE and frames that change nothing, each kind by itself, beside those that our own
    /// traffic calls forth (Envoy's formulas; CVE-2019-9512, -9513); default 1 000.
    pub control_frames: u32,
    /// Frames that the peer made us send, were offered to the socket and wait for a peer that does not read; no rate;
    /// default 1 000. Of replies to requests, ten for each stream that the client may have, where that is more.
    pub unread_frames: u32,
    /// Bytes of output from which on nothing more is read from the peer; default 1 MiB.
    pub unread_bytes: usize,
}

/// The limit a field section went over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HeaderLimit {
    /// [`HeaderLimits::max_list_bytes`].
    ListBytes,
    /// [`HeaderLimits::max_fields`].
    Fields,
}

/// By how much a field section went over a limit. Its `Display` is for a status message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// The limit that was passed first.
    pub limit: HeaderLimit,
    /// Bytes or fields of the whole section. A string that was too long to be decoded counts with its encoded bytes.
    pub seen: u32,
    /// The most that is allowed.
    pub most: u32,
}

/// The limit that ended a connection; counters are labelled by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PeerLimit {
    /// [`HeaderLimits::max_continuations`].
    Continuations,
    /// [`HeaderLimits::max_block_bytes`] or [`HeaderLimits::max_block_fields`].
    HeaderBlock,
    /// [`HeaderLimits::block_timeout`].
    HeaderTime,
    /// [`PeerLimits::resets`].
    Resets,
    /// [`PeerLimits::stream_errors`].
    StreamErrors,
    /// [`PeerLimits::empty_data`].
    EmptyData,
    /// [`PeerLimits::settings`].
    Settings,
    /// [`PeerLimits::control_frames`] of PING.
    Pings,
    /// [`PeerLimits::control_frames`] of PRIORITY and unknown types.
    Priorities,
    /// [`PeerLimits::control_frames`] of WINDOW_UPDATE.
    WindowUpdates,
    /// [`PeerLimits::control_frames`] of frames that change nothing: on closed streams, and repeated GOAWAYs.
    Useless,
    /// [`PeerLimits::unread_frames`].
    Unread,
}

// === impl HeaderLimits ===

impl HeaderLimits {
    /// Bytes that a CONTINUATION frame beyond [`Self::max_continuations`] must hold on an average: an honest peer fills its
    /// frames, which are of 16 KiB, and an attacker does not (CVE-2024-27316).
    pub const WELL_FILLED: u32 = 8 * 1024;
    /// Bytes of a list by which sidecars may exceed their limits towards each other.
    const MARGIN_BYTES: u32 = 1_024;
    /// Fields of a list by which they may.
    const MARGIN_FIELDS: u32 = 8;

    /// The limits between two sidecars: what one hop has let through under `self` the next must not refuse for what the
    /// mesh itself added to it.
    #[must_use]
    pub fn between_sidecars(self) -> Self {
        Self {
            max_list_bytes: self.max_list_bytes.saturating_add(Self::MARGIN_BYTES),
            max_fields: self.max_fields.saturating_add(Self::MARGIN_FIELDS),
            ..self
        }
    }
}

impl Default for HeaderLimits {
    fn default() -> Self {
        Self {
            max_list_bytes: 16_384,
            max_fields: 128,
            max_block_bytes: 1 << 20,
            max_block_fields: 100_000,
            max_continuations: 8,
            block_timeout: Duration::from_secs(5),
        }
    }
}

// === impl PeerLimits ===

impl PeerLimits {
    /// No limit at all.
    pub const UNLIMITED: u32 = u32::MAX;
}

impl Default for PeerLimits {
    fn default() -> Self {
        Self {
            resets: 2_000,
            stream_errors: 200,
            empty_data: 100,
            settings: 100,
            control_frames: 1_000,
            unread_frames: 1_000,
            unread_bytes: 1 << 20,
        }
    }
}

// === impl HeaderLimit ===

impl HeaderLimit {
    /// Its name among the settings, for counters.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ListBytes => "header_list_bytes",
            Self::Fields => "header_fields",
        }
    }
}

// === impl Exceeded ===

impl Exceeded {
    /// The limit's name among the settings, for counters.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.limit.as_str()
    }
}

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seen, most) = (grouped(self.seen), grouped(self.most));
        match self.limit {
            HeaderLimit::ListBytes => write!(f, "{seen} bytes; the limit is {most} (max_header_list_bytes)"),
            HeaderLimit::Fields => write!(f, "{seen} fields; the limit is {most} (max_header_fields)"),
        }
    }
}

/// 20,512.
fn grouped(number: u32) -> String {
    let digits = number.to_string();
    let groups: Vec<&[u8]> = digits.as_bytes().rchunks(3).rev().collect();
    String::from_utf8_lossy(&groups.join(&b',')).into_owned()
}

// === impl PeerLimit ===

impl PeerLimit {
    /// Its name among the settings, for counters.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Continuations => "continuation_frames",
            Self::HeaderBlock => "header_block_bytes",
            Self::HeaderTime => "header_block_timeout",
            Self::Resets => "resets",
            Self::StreamErrors => "stream_errors",
            Self::EmptyData => "empty_data_frames",
            Self::Settings => "settings_frames",
            Self::Pings => "ping_frames",
            Self::Priorities => "priority_frames",
            Self::WindowUpdates => "window_update_frames",
            Self::Useless => "useless_frames",
            Self::Unread => "unread_frames",
        }
    }
}
