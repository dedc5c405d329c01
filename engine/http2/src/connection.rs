//! One HTTP/2 connection without its socket. (Surface only; the bodies follow.)

use std::time::Instant;

use crate::{Config, ConnectionError, ErrorCode, Event, Fields, OpenError, StreamId, Token};

/// One end of an HTTP/2 connection.
#[derive(Debug)]
pub struct Connection {
    config: Config,
    output: Vec<u8>,
}

// === impl Connection ===

impl Connection {
    /// A new connection; its output already holds the preface (client), SETTINGS and a WINDOW_UPDATE.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            config,
            output: Vec::new(),
        }
    }

    /// Takes what it can from `input` and gives the next event; `None` asks for more input.
    ///
    /// # Errors
    /// A connection error; its GOAWAY is in the output, which is to be flushed before closing.
    pub fn receive<'i>(
        &mut self,
        _now: Instant,
        input: &mut &'i [u8],
        _fields: &mut Fields,
    ) -> Result<Option<Event<'i>>, ConnectionError> {
        *input = &[];
        Ok(None)
    }

    /// Opens a stream with a request head (client).
    ///
    /// # Errors
    /// No stream can be had on this connection now.
    pub fn open(
        &mut self,
        _token: Token,
        _fields: &Fields,
        _end_stream: bool,
    ) -> Result<StreamId, OpenError> {
        Err(OpenError::GoingAway)
    }

    /// Gives a stream another handle; no-op on a closed one.
    pub fn set_token(&mut self, _stream: StreamId, _token: Token) {}

    /// Sends a response head, a 1xx head or trailers; waits as fields behind queued DATA; no-op on a closed stream.
    pub fn send_headers(&mut self, _stream: StreamId, _fields: &Fields, _end_stream: bool) {}

    /// Sends DATA: gives the bytes that reached the output; the rest is queued and told by [`Self::progress`].
    pub fn send_data(&mut self, _stream: StreamId, data: &[u8], _end_stream: bool) -> usize {
        data.len()
    }

    /// Resets a stream and drops its queue; no further event of it follows.
    pub fn reset(&mut self, _stream: StreamId, _code: ErrorCode) {}

    /// Gives back stream window for bytes that were taken.
    pub fn release(&mut self, _stream: StreamId, _bytes: u32) {}

    /// Tells the DATA bytes that left stream queues since asked last.
    pub fn progress(&mut self, _each: impl FnMut(StreamId, Token, usize)) {}

    /// DATA bytes waiting on a stream.
    #[must_use]
    pub fn queued(&self, _stream: StreamId) -> usize {
        0
    }

    /// Bytes to write to the socket.
    #[must_use]
    pub fn output(&self) -> &[u8] {
        &self.output
    }

    /// Tells that the first `written` bytes of the output are on their way; then call [`Self::pump`].
    pub fn advance_output(&mut self, _written: usize) {}

    /// Moves queued DATA into the output while windows and the high water allow.
    pub fn pump(&mut self) {}

    /// Streams open or half-closed.
    #[must_use]
    pub fn active_streams(&self) -> usize {
        0
    }

    /// The peer's limit of our streams; 100 before its first SETTINGS.
    #[must_use]
    pub fn peer_max_streams(&self) -> u32 {
        100
    }

    /// How many more streams [`Self::open`] would give now.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.config.max_concurrent_streams as usize
    }

    /// Queues a PING.
    pub fn ping(&mut self, _payload: [u8; 8]) {}

    /// First phase of a graceful end: GOAWAY(2^31-1, NO_ERROR).
    pub fn announce_shutdown(&mut self) {}

    /// Second phase: GOAWAY with the last stream processed; later ones are ignored (RFC 9113 §6.8).
    pub fn shutdown(&mut self) {}

    /// Whether the peer sent GOAWAY.
    #[must_use]
    pub fn is_going_away(&self) -> bool {
        false
    }

    /// Whether the peer's first SETTINGS arrived.
    #[must_use]
    pub fn settings_received(&self) -> bool {
        false
    }
}
