//! SETTINGS, RFC 9113 §6.5: what the peer tells and what we announce.

use crate::{Config, ConnectionError, ErrorCode, Role};

/// Windows before any SETTINGS (RFC 9113 §6.9.2).
pub(crate) const DEFAULT_WINDOW: u32 = 65_535;
/// Frame size before any SETTINGS, and the least allowed.
pub(crate) const DEFAULT_FRAME: u32 = 16_384;
/// Streams we assume while the peer has not told its limit (RFC 9113 §5.1.2 wants no less).
pub(crate) const ASSUMED_STREAMS: u32 = 100;
/// Largest window (RFC 9113 §6.9.1).
pub(crate) const MOST_WINDOW: u32 = 0x7fff_ffff;

const HEADER_TABLE_SIZE: u16 = 1;
const ENABLE_PUSH: u16 = 2;
const MAX_CONCURRENT_STREAMS: u16 = 3;
const INITIAL_WINDOW_SIZE: u16 = 4;
const MAX_FRAME_SIZE: u16 = 5;
const MAX_HEADER_LIST_SIZE: u16 = 6;

/// The peer's settings in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PeerSettings {
    pub(crate) header_table: u32,
    pub(crate) max_streams: u32,
    pub(crate) window: u32,
    pub(crate) max_frame: u32,
}

// === impl PeerSettings ===

impl PeerSettings {
    pub(crate) fn assumed() -> Self {
        Self { header_table: 4_096, max_streams: ASSUMED_STREAMS, window: DEFAULT_WINDOW, max_frame: DEFAULT_FRAME }
    }

    /// Takes one setting; unknown ones are ignored.
    ///
    /// # Errors
    /// The value is outside of RFC 9113 §6.5.2's range.
    pub(crate) fn apply(&mut self, id: u16, value: u32, our_role: Role) -> Result<(), ConnectionError> {
        match id {
            HEADER_TABLE_SIZE => self.header_table = value,
            // A server must not send 1 (RFC 9113 §6.5.2); we never push, so a client's wish is of no account.
            ENABLE_PUSH if value > u32::from(our_role == Role::Server) => {
                return Err(ConnectionError::protocol("SETTINGS_ENABLE_PUSH out of range"));
            }
            MAX_CONCURRENT_STREAMS => self.max_streams = value,
            INITIAL_WINDOW_SIZE if value > MOST_WINDOW => {
                let cause = "SETTINGS_INITIAL_WINDOW_SIZE over 2^31-1";
                return Err(ConnectionError::new(ErrorCode::FLOW_CONTROL_ERROR, cause));
            }
            INITIAL_WINDOW_SIZE => self.window = value,
            MAX_FRAME_SIZE if !(DEFAULT_FRAME..1 << 24).contains(&value) => {
                return Err(ConnectionError::protocol("SETTINGS_MAX_FRAME_SIZE out of range"));
            }
            MAX_FRAME_SIZE => self.max_frame = value,
            _ => {}
        }
        Ok(())
    }
}

/// The payload of our one SETTINGS frame.
pub(crate) fn announced(config: &Config) -> Vec<u8> {
    let role = match config.role {
        Role::Client => (ENABLE_PUSH, 0),
        Role::Server => (MAX_CONCURRENT_STREAMS, config.max_concurrent_streams),
    };
    let rest = [
        (INITIAL_WINDOW_SIZE, config.stream_window),
        (MAX_FRAME_SIZE, config.max_frame_size),
        (MAX_HEADER_LIST_SIZE, told_list_bytes(config)),
    ];
    let pairs = std::iter::once(role).chain(rest);
    pairs.flat_map(|(id, value)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat()).collect()
}

/// More than is taken: a peer that keeps to it fails by itself, with a code of its own and without the name of the limit.
/// What is over our limit we answer ourselves, and what the application had to say is told with it.
fn told_list_bytes(config: &Config) -> u32 {
    config.header_limits.max_list_bytes.max(config.header_limits.max_block_bytes)
}
