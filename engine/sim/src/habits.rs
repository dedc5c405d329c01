//! What real gRPC applications do on a connection besides answering calls.

use std::time::Duration;

/// How a server counts PINGs (see `pings`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PingRule {
    /// As grpc-go and grpcio do: the first PING after data is free.
    Go,
    /// As grpc-java does: one within five minutes of the connection's beginning is a strike like any other.
    Java,
}

/// A server's habits; none by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Habits {
    /// Ends connections whose client pings too often.
    pub pings: Option<PingRule>,
    /// Ends connections of this age, with grace.
    pub age: Option<Duration>,
    /// Pings whenever data comes and none of its PINGs is under way, to learn what the way can carry.
    pub estimates: bool,
    /// Ends connections of which more streams were reset in 30 s.
    pub most_resets: Option<u32>,
}
