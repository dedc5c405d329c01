//! Who speaks with whom over which connection, what is on its way between them, and what they are told of it.

use crate::fault::Side;

/// Whoever has ends of connections. Sidecar 0 is the callers', sidecar n + 1 stands before server n.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Actor {
    Client(usize),
    Sidecar(usize),
    Server(usize),
}

/// Names a connection; never given out twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Conn(pub(crate) u32);

/// What is on its way through the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NetEvent {
    /// The first packet reaches the listener.
    Dial(Conn),
    /// Its answer reaches the dialer.
    Answer(Conn, Taken),
    /// This end's handshake is done.
    Handshaken(Conn, Side),
    /// The next bytes reach this end.
    Arrive(Conn, Side),
    /// The other end's goodbye reaches this one.
    Fin(Conn, Side),
    /// This end learns that the connection broke.
    Reset(Conn, Side),
    /// The other end has read so many bytes of this one's.
    Freed(Conn, Side, usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    Yes,
    No,
}

/// What an end is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    Accepted,
    /// Made, and both ends have proved who they are.
    Established,
    Refused,
    Readable,
    Writable,
    Closed,
}

// === impl Side ===

impl Side {
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Dialer => Self::Listener,
            Self::Listener => Self::Dialer,
        }
    }
}

// === impl NetEvent ===

impl NetEvent {
    pub(crate) fn conn(self) -> Conn {
        match self {
            Self::Dial(conn)
            | Self::Answer(conn, _)
            | Self::Handshaken(conn, _)
            | Self::Arrive(conn, _)
            | Self::Fin(conn, _)
            | Self::Reset(conn, _)
            | Self::Freed(conn, _, _) => conn,
        }
    }
}
