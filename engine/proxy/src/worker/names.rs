//! What connections, streams and listeners are called: small values without any state behind them, for every room to use.

use tulle_http2::StreamId;

/// Names a connection of a worker until it is closed. Small and dense, so that `io` may index by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionKey(pub u32);

/// A stream of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StreamRef {
    pub(crate) connection: u32,
    pub(crate) stream: StreamId,
}

/// Where a downstream connection came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listener {
    /// The application's own calls.
    Outbound,
    /// The application's calls to one upstream: an index into `Settings::upstream_ports`.
    UpstreamPort(usize),
    /// Other sidecars' calls, in mTLS.
    Inbound,
    /// Other sidecars' calls in plaintext: benchmarks alone.
    InboundPlaintext,
}
