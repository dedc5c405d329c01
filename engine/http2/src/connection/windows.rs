//! Window that we give back, and how much of it. Windows grow without PINGs, which servers count as abuse: by the time
//! that the peer takes to use one up.

use std::time::Instant;

use super::Connection;
use crate::flow::Tick;
use crate::stream::Half;

// === impl Connection ===

impl Connection {
    /// Gives window back to the connection: on receipt, since streams bound what is buffered (engine.md, trap 6).
    #[cold]
    pub(super) fn give_back(&mut self, now: Instant) {
        let (initial, most, tick) = (self.config.connection_window, self.config.max_connection_window, self.tick(now));
        if let Some(by) = self.receive.give_back(initial, tick, |_| most) {
            self.output.window_update(0, by);
        }
    }

    /// Waits for the end of the read where one is being worked off.
    #[cold]
    pub(super) fn give_back_soon(&mut self, slot: u32, stream: u32) {
        if !self.is_reading {
            self.give_back_to(slot);
        } else if self.owes.last() != Some(&stream) {
            self.owes.push(stream);
        }
    }

    /// The read is worked off. A stream that has ended with it needs no window.
    #[cold]
    pub(super) fn give_back_owed(&mut self) {
        let mut owes = std::mem::take(&mut self.owes);
        for stream in owes.drain(..) {
            let Some(slot) = self.streams.live(stream) else { continue };
            let stream = self.streams.get_mut(slot);
            if stream.remote == Half::Open && stream.receive.release(0) {
                self.give_back_to(slot);
            }
        }
        // The list goes back for its memory.
        self.owes = owes;
    }

    /// Gives window back to a stream, or keeps it where what came is not taken.
    fn give_back_to(&mut self, slot: u32) {
        // The time of the read before this one: exact to a read, and whoever releases has no clock to give.
        let tick = self.read_at.map_or(1, |read| self.tick(read));
        let mut window = self.streams.get(slot).receive;
        let update = window.give_back(self.stream_window, tick, |size| self.most_window(size));
        let stream = self.streams.get_mut(slot);
        stream.receive = window;
        let id = stream.id;
        if let Some(by) = update {
            self.output.window_update(id, by);
        }
    }

    /// What a stream's window of `size` may grow to: the windows of all streams together exceed their initial sizes by no
    /// more than the connection's largest window, whatever their number.
    fn most_window(&self, size: u32) -> u32 {
        let initial = self.stream_window;
        if initial != self.config.stream_window {
            // The peer has not acknowledged our SETTINGS, which change all windows.
            return size;
        }
        let lent = |slot| u64::from(self.streams.get(slot).receive.grown(initial));
        let in_use: u64 = self.streams.slots().map(lent).sum();
        let left = u64::from(self.config.max_connection_window).saturating_sub(in_use);
        self.config.max_stream_window.min(size.saturating_add(left as u32))
    }

    fn tick(&mut self, now: Instant) -> Tick {
        let first = *self.counted_from.get_or_insert(now);
        let passed = now.saturating_duration_since(first).as_millis();
        Tick::try_from(passed).unwrap_or(Tick::MAX).saturating_add(1)
    }
}
