//! The application beside the sidecar, as all workers see it: where it listens, one of the addresses that it may have,
//! chosen by the agent, which asks them; and which of its own calls failed a moment ago.

use crate::io::shared::locked;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::Instant;
use tulle_mesh::resilience::below::{Below, Mark};

/// The application's addresses, and the one that is dialled for new connections.
#[derive(Debug)]
pub struct Application {
    first: SocketAddr,
    others: Vec<SocketAddr>,
    /// 0 is the first, n the n-th of the others.
    chosen: AtomicUsize,
    /// Locked for calls that failed alone.
    below: Mutex<Below>,
    /// Some call may be remembered: most applications never have one.
    remembers: AtomicBool,
}

// === impl Application ===

impl Application {
    pub(crate) fn new(first: SocketAddr, others: Vec<SocketAddr>) -> Self {
        Self { first, others, chosen: AtomicUsize::new(0), below: Mutex::default(), remembers: AtomicBool::new(false) }
    }

    /// The address for new connections.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        match self.chosen.load(Relaxed) {
            0 => self.first,
            at => self.others.get(at - 1).copied().unwrap_or(self.first),
        }
    }

    /// Dials `address` from now on; false where it is none of the application's. Calls in flight stay where they are.
    #[must_use]
    pub fn choose(&self, address: SocketAddr) -> bool {
        let at = if address == self.first {
            Some(0)
        } else {
            self.others.iter().position(|one| *one == address).map(|at| at + 1)
        };
        if let Some(at) = at {
            self.chosen.store(at, Relaxed);
        }
        at.is_some()
    }

    /// A call that the application made has failed after `retries`.
    pub(crate) fn remember(&self, mark: Mark, retries: u32, now: Instant) {
        locked(&self.below).remember(mark, retries, now);
        self.remembers.store(true, Relaxed);
    }

    /// The retries that were made below a call to the application which began at `began` and fails now.
    pub(crate) fn retries_under(&self, mark: Mark, began: Instant, now: Instant) -> u32 {
        if !self.remembers.load(Relaxed) {
            return 0;
        }
        locked(&self.below).retries_under(mark, began, now)
    }
}
