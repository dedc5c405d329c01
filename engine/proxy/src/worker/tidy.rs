//! Memory that a burst of traffic took goes back: ten seconds after it began to flow, whatever is empty by then.
//!
//! Buffers stay with streams and calls between two of these, so that steady traffic allocates nothing. A worker at rest
//! sets no timer for it.

use super::{Timer, Worker};
use std::time::Duration;

const PAUSE: Duration = Duration::from_secs(10);
/// Bytes given back from which on the system is asked to take them even while calls are in flight.
const WORTH_ASKING: usize = 1 << 20;

/// Whether memory is to be looked at, and whether the heap has some that the system could have.
#[derive(Debug, Default)]
pub(crate) struct Tidying {
    armed: bool,
    freed: bool,
}

impl Worker {
    /// Something may have taken memory.
    #[inline]
    pub(crate) fn expect_tidying(&mut self) {
        if !self.tidying.armed {
            self.tidying.armed = true;
            self.timers.insert(self.now + PAUSE, Timer::Tidy);
        }
    }

    /// Gives back what is empty.
    pub(crate) fn tidy(&mut self) {
        self.tidying.armed = false;
        let mut freed = self.calls.trim();
        for (_, connection) in self.connections.iter_mut() {
            freed += connection.http2.trim();
        }
        self.tidying.freed |= self.calls.len() == 0 || freed >= WORTH_ASKING;
    }

    /// Whether the heap was given memory that the process can do without; asking takes the answer back.
    pub fn take_freed(&mut self) -> bool {
        std::mem::take(&mut self.tidying.freed)
    }
}
