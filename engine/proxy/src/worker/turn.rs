//! What is left to the end of a turn, because doing it within the event that called for it would reach back into what is
//! being handled.

use tulle_http2::{Connection, StreamId};

/// Lists that a turn fills and its end empties, the last entry first.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    /// Calls that failed in a way that is tried again at once.
    restarts: Vec<u32>,
    /// Calls whose response head was held back in this turn.
    held: Vec<u32>,
    /// Pools in which a stream may have become free in this turn.
    freed: Vec<usize>,
    /// Bytes that have left their queues, by stream and call.
    moved: Vec<(StreamId, u32, usize)>,
}

// === impl Turn ===

impl Turn {
    pub(crate) fn restart(&mut self, call: u32) {
        self.restarts.push(call);
    }

    pub(crate) fn next_restart(&mut self) -> Option<u32> {
        self.restarts.pop()
    }

    pub(crate) fn hold(&mut self, call: u32) {
        self.held.push(call);
    }

    pub(crate) fn next_held(&mut self) -> Option<u32> {
        self.held.pop()
    }

    pub(crate) fn free(&mut self, pool: usize) {
        self.freed.push(pool);
    }

    pub(crate) fn next_freed(&mut self) -> Option<usize> {
        self.freed.pop()
    }

    /// Takes from a connection which bytes of which calls have left their queues.
    pub(crate) fn take_progress(&mut self, http2: &mut Connection) {
        http2.progress(|stream, token, bytes| self.moved.push((stream, token.0, bytes)));
    }

    pub(crate) fn next_moved(&mut self) -> Option<(StreamId, u32, usize)> {
        self.moved.pop()
    }

    /// A panic has cut the turn short: nothing is known of the connection at hand any more, and as a queue may have been
    /// cut in the middle, those of `pools` are all served once more.
    pub(crate) fn cut_short(&mut self, pools: impl Iterator<Item = usize>) {
        self.moved.clear();
        self.freed.extend(pools);
    }

    /// Whether nothing is left to start again or to serve.
    pub(crate) fn is_settled(&self) -> bool {
        self.restarts.is_empty() && self.freed.is_empty()
    }
}
