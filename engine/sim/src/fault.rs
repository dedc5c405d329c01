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
    Cut { link: Link, nth: usize },
    /// One end of one of the link's connections is gone and the other is not told.
    HalfOpen { link: Link, nth: usize, dead: Side },
    /// Nothing passes, and passes later.
    Partition { link: Link, lasts: Duration },
    /// All takes longer.
    Slow { link: Link, by: Duration, lasts: Duration },
    /// A client reads nothing of its socket.
    ClientPauses { client: usize, lasts: Duration },
    /// A server reads nothing of its sockets.
    ServerPauses { server: usize, lasts: Duration },
    /// A server is gone, and back later.
    Crash { server: usize, lasts: Duration },
    /// A server says GOAWAY on its connections; the open ones take what they have begun.
    GoAway { server: usize },
    /// A server changes its SETTINGS while calls run.
    Resettle { server: usize, window: u32, max_streams: u32 },
    /// A client closes its connection and all its calls with it.
    ClientLeaves { client: usize },
    /// A sidecar (0 for the callers' own) is drained and stops after its grace.
    Drain { sidecar: usize, grace: Duration },
    /// The control stream to a sidecar breaks and is made again.
    ControlLost { sidecar: usize },
}
