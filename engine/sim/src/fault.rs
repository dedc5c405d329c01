//! What goes wrong in a run, and where.

use std::time::Duration;

/// A way between two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Link {
    /// A client and its sidecar.
    Entry(usize),
    /// The callers' sidecar and a server's, or the server itself where it has none.
    Mesh(usize),
    /// A server and the sidecar before it.
    App(usize),
    /// The control plane and a sidecar.
    Control(usize),
}

/// Something goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fault {
    /// When.
    pub at: Duration,
    /// What.
    pub kind: FaultKind,
}

/// Which end of a connection: the one that made it, or the one that took it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Made it.
    Dialer,
    /// Took it.
    Listener,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FaultKind {
    /// Something was lost for good: one of the link's connections is reset, seen from both ends.
    Cut {
        /// The way.
        link: Link,
        /// Which of its connections, counted round those that are open.
        nth: usize,
    },
    /// One end of one of the link's connections is gone and the other is not told.
    HalfOpen {
        /// The way.
        link: Link,
        /// Which of its connections, counted round those that are open.
        nth: usize,
        /// The end that is gone.
        dead: Side,
    },
    /// Nothing passes, and passes later.
    Partition {
        /// The way.
        link: Link,
        /// For how long.
        lasts: Duration,
    },
    /// All takes longer.
    Slow {
        /// The way.
        link: Link,
        /// By how much.
        by: Duration,
        /// For how long.
        lasts: Duration,
    },
    /// A client reads nothing of its socket.
    ClientPauses {
        /// Its number.
        client: usize,
        /// For how long.
        lasts: Duration,
    },
    /// A server reads nothing of its sockets.
    ServerPauses {
        /// Its number.
        server: usize,
        /// For how long.
        lasts: Duration,
    },
    /// A server is gone, and back later.
    Crash {
        /// Its number.
        server: usize,
        /// For how long.
        lasts: Duration,
    },
    /// A server says GOAWAY on its connections; the open ones take what they have begun.
    GoAway {
        /// Its number.
        server: usize,
    },
    /// A server changes its SETTINGS while calls run.
    Resettle {
        /// Its number.
        server: usize,
        /// SETTINGS_INITIAL_WINDOW_SIZE, bytes.
        window: u32,
        /// SETTINGS_MAX_CONCURRENT_STREAMS.
        max_streams: u32,
    },
    /// A client closes its connection and all its calls with it.
    ClientLeaves {
        /// Its number.
        client: usize,
    },
    /// A sidecar (0 for the callers' own) is drained and stops after its grace.
    Drain {
        /// Its number, 0 for the callers' own.
        sidecar: usize,
        /// How long calls in flight may take.
        grace: Duration,
    },
    /// A sidecar's process is gone and back later, as another one.
    Restart {
        /// Its number, 0 for the callers' own.
        sidecar: usize,
        /// For how long it is gone.
        lasts: Duration,
        /// Whether it begins with the last good snapshot, as from its disk; else with none.
        cached: bool,
    },
    /// A sidecar's whole process stands still, and goes on.
    StandStill {
        /// Its number, 0 for the callers' own.
        sidecar: usize,
        /// For how long.
        lasts: Duration,
        /// Not before it has next asked a peer for life, so that the answer waits for it.
        behind_ping: bool,
    },
    /// The control stream to a sidecar breaks and is made again.
    ControlLost {
        /// Its number, 0 for the callers' own.
        sidecar: usize,
    },
}
