//! An HTTP/2 connection on a wire.

use std::io;

use tulle_http2::{Config, Connection, StreamId, Token};

use crate::wire::{Buffers, Received, Wire};

/// A wire with its codec.
pub struct Link {
    /// The wire.
    pub wire: Wire,
    /// The codec.
    pub http2: Connection,
}

// === impl Link ===

impl Link {
    /// The beginning of a connection; the preface and SETTINGS wait for the first flush.
    #[must_use]
    pub fn new(wire: Wire, config: Config) -> Self {
        Self { wire, http2: Connection::new(config) }
    }

    /// Reads once, unless the peer leaves unread what it was sent: then it is not heard until it reads.
    ///
    /// # Errors
    /// The wire failed.
    pub fn read(&mut self, buffers: &mut Buffers) -> io::Result<Received> {
        if self.http2.wants_input() { self.wire.read(buffers) } else { Ok(Received::Nothing) }
    }

    /// Writes what the codec has, as far as the wire takes it.
    ///
    /// # Errors
    /// The wire failed.
    pub fn flush(&mut self) -> io::Result<()> {
        self.wire.flush()?;
        while !self.http2.output().is_empty() {
            let written = self.wire.write(self.http2.output())?;
            if written == 0 {
                break;
            }
            self.http2.advance_output(written);
            self.http2.pump();
        }
        Ok(())
    }

    /// Appends the streams whose queued DATA has moved since asked last.
    pub fn moved(&mut self, streams: &mut Vec<(StreamId, Token)>) {
        self.http2.progress(|stream, token, _| streams.push((stream, token)));
    }
}
