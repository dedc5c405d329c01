//! Streams that stand still. The codec has no clock: its caller looks at regular times and counts the looks.

use super::Connection;
use crate::stream::Half;
use crate::{StreamId, Token};

/// A stream on which no DATA has moved for several looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stalled {
    /// The stream.
    pub stream: StreamId,
    /// The caller's handle.
    pub token: Token,
    /// What it waits for.
    pub waits: Waits,
    /// Looks in a row at which it stood still; 255 stands for more as well.
    pub looks: u8,
}

/// What a stalled stream waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waits {
    /// DATA is queued, and the peer gives no window or does not read.
    ForWindow,
    /// The peer has not ended its side and sends nothing: honest for streams that are long by nature.
    ForData,
}

// === impl Connection ===

impl Connection {
    /// One look at all streams; gives those that stood still in each of the last `looks`.
    pub fn look_for_stalled(&mut self, looks: u8) -> Vec<Stalled> {
        let slots: Vec<u32> = self.streams.slots().collect();
        slots.into_iter().filter_map(|slot| self.look_at(slot, looks)).collect()
    }

    fn look_at(&mut self, slot: u32, looks: u8) -> Option<Stalled> {
        let stream = self.streams.get_mut(slot);
        let (sent, came) = (std::mem::take(&mut stream.sent), std::mem::take(&mut stream.came));
        let (waits, moved) = match (stream.queue.is_empty(), stream.remote) {
            (false, _) => (Waits::ForWindow, sent),
            (true, Half::Open) => (Waits::ForData, sent || came),
            (true, Half::Ended) => (Waits::ForData, true),
        };
        stream.looks = if moved { 0 } else { stream.looks.saturating_add(1) };
        let stalled = Stalled { stream: StreamId(stream.id), token: stream.token, waits, looks: stream.looks };
        (stalled.looks >= looks).then_some(stalled)
    }
}
