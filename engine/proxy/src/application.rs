//! Where the application listens: one of the addresses that it may have, chosen by the agent, which asks them.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The application's addresses, and the one that is dialled for new connections.
#[derive(Debug)]
pub struct Application {
    first: SocketAddr,
    others: Vec<SocketAddr>,
    /// 0 is the first, n the n-th of the others.
    chosen: AtomicUsize,
}

// === impl Application ===

impl Application {
    pub(crate) fn new(first: SocketAddr, others: Vec<SocketAddr>) -> Self {
        Self { first, others, chosen: AtomicUsize::new(0) }
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
}
