//! Two connections whose bytes go to each other.

use std::io;

use mio::event::Event;
use tulle_bench::wire::{Buffers, Received, Wire};

/// Reads from each side in one turn; then others have theirs.
const ROUNDS: usize = 16;

/// A client's connection and the one to the target.
pub(crate) struct Pair {
    client: Side,
    target: Side,
}

/// What a turn came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Nothing goes on until a socket says so.
    Waits,
    /// More can be done at once.
    Again,
    /// Both sides have ended.
    Over,
}

/// Which of the two a socket's event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Client,
    Target,
}

struct Side {
    wire: Wire,
    /// There may be something to read.
    readable: bool,
    /// The socket has said that its peer is done: only a read that finds the end says so in turn.
    hung_up: bool,
    /// Bytes that the socket did not take.
    waiting: Vec<u8>,
    /// Its peer sends no more.
    ended: bool,
}

// === impl Pair ===

impl Pair {
    pub(crate) fn new(client: Wire, target: Wire) -> Self {
        Self { client: Side::new(client), target: Side::new(target) }
    }

    /// Takes note of a socket's event.
    pub(crate) fn ready(&mut self, end: End, event: &Event) {
        let side = match end {
            End::Client => &mut self.client,
            End::Target => &mut self.target,
        };
        side.readable |= event.is_readable();
        side.hung_up |= event.is_read_closed();
    }

    /// Carries what may be carried.
    ///
    /// # Errors
    /// One of the two failed: it is over for both.
    pub(crate) fn turn(&mut self, buffers: &mut Buffers) -> io::Result<Turn> {
        for _ in 0..ROUNDS {
            let there = carry(&mut self.client, &mut self.target, buffers)?;
            let back = carry(&mut self.target, &mut self.client, buffers)?;
            if !there && !back {
                let is_over = self.client.wire.is_finished() && self.target.wire.is_finished();
                return Ok(if is_over { Turn::Over } else { Turn::Waits });
            }
        }
        Ok(Turn::Again)
    }
}

/// One read and its write; false when nothing came or the other side takes nothing now. The end of a handshake is
/// something too: a half close may wait for it.
fn carry(from: &mut Side, to: &mut Side, buffers: &mut Buffers) -> io::Result<bool> {
    to.flush()?;
    if to.is_blocked() {
        return Ok(false);
    }
    if from.ended {
        // What TLS keeps during a handshake would be lost with a close.
        if !to.wire.is_handshaking() {
            to.wire.finish()?;
        }
        return Ok(false);
    }
    if !from.readable {
        return Ok(false);
    }
    let was_handshaking = from.wire.is_handshaking();
    let received = from.wire.read(buffers)?;
    from.readable = from.hung_up || !from.wire.is_drained();
    match received {
        Received::Bytes(length) => to.write(buffers.bytes(length)).map(|()| true),
        Received::Nothing => Ok(was_handshaking && !from.wire.is_handshaking()),
        Received::Closed => {
            from.ended = true;
            Ok(true)
        }
    }
}

// === impl Side ===

impl Side {
    fn new(wire: Wire) -> Self {
        Self { wire, readable: true, hung_up: false, waiting: Vec::new(), ended: false }
    }

    fn is_blocked(&self) -> bool {
        !self.waiting.is_empty() || self.wire.is_blocked()
    }

    fn flush(&mut self) -> io::Result<()> {
        self.wire.flush()?;
        if !self.waiting.is_empty() {
            let written = self.wire.write(&self.waiting)?;
            self.waiting.drain(..written);
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = self.wire.write(bytes)?;
        self.waiting.extend_from_slice(&bytes[written..]);
        Ok(())
    }
}
