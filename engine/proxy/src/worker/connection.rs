//! One connection of a worker, on either side, without its socket.

use super::names::Listener;
use super::resets::Resets;
use crate::connect::{self, NotUnderstood, Sniffed};
use crate::pool::Room;
use crate::timers::TimerId;
use std::sync::Arc;
use std::time::Instant;
use tulle_http2 as http2;
use tulle_mesh::balance::EndpointCell;
use tulle_mesh::resilience::breaker::ServiceBreaker;
use tulle_mesh::spiffe::SpiffeId;

/// How far a connection has come. `Opening => (Sniffing | Open)`, `Sniffing => Open`, any `=> Closing`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// TCP or TLS handshake.
    Opening,
    /// Plaintext whose first bytes have not been understood yet.
    Sniffing,
    /// HTTP/2.
    Open,
    /// What is in the output goes out, then it is closed.
    Closing,
}

#[derive(Debug)]
pub(crate) enum Side {
    Downstream {
        listener: Listener,
        /// From CONNECT or the upstream port: routes the connection's calls.
        authority: Option<Box<[u8]>>,
        /// Proven by mTLS.
        peer: Option<SpiffeId>,
    },
    Upstream {
        pool: usize,
        /// The endpoint, unless it is the application.
        cell: Option<Arc<EndpointCell>>,
        /// Where the connection is counted.
        breaker: Arc<ServiceBreaker>,
    },
}

#[derive(Debug)]
pub(crate) struct Connection {
    /// No other connection of this worker ever has it.
    pub(crate) serial: u64,
    pub(crate) http2: http2::Connection,
    pub(crate) side: Side,
    pub(crate) stage: Stage,
    /// Goes out before anything of HTTP/2.
    pub(crate) prelude: Vec<u8>,
    /// First bytes that are not understood yet.
    pub(crate) sniffed: Vec<u8>,
    /// Bytes that have left, so that a call knows whether its head has.
    pub(crate) written: u64,
    pub(crate) dirty: bool,
    /// Of one that closes: when what is still in its output is given up. `None` while its peer is patient with us, and we
    /// with it: as long as it takes some.
    pub(crate) rest_until: Option<Instant>,
    /// Two-phase GOAWAY: the second one has been sent.
    pub(crate) draining: Draining,
    pub(crate) opened_at: Instant,
    pub(crate) received_at: Instant,
    /// Since when there has been a stream, or none.
    pub(crate) busy_since: Instant,
    pub(crate) pinged_at: Option<Instant>,
    pub(crate) upkeep: TimerId,
    pub(crate) upkeep_at: Instant,
    pub(crate) looked_at: Instant,
    pub(crate) written_at_look: u64,
    /// Looks in a row at which the socket had taken nothing.
    pub(crate) unread_looks: u8,
    /// Downstream: young streams that were given up.
    pub(crate) resets: Resets,
    /// Downstream: until then its calls have upstream connections of their own.
    pub(crate) separate_until: Option<Instant>,
    pub(crate) calm: TimerId,
    /// Limits that its peer went over: each is counted once.
    pub(crate) over: Vec<&'static str>,
}

/// Our GOAWAY. `No => Announced => Last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Draining {
    No,
    Announced(Instant),
    Last,
}

/// What came of looking at a plaintext connection's first bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Opened {
    NotYet,
    /// HTTP/2 begins at this offset of all that was looked at.
    At(usize),
    Refused(NotUnderstood),
}

// === impl Connection ===

impl Connection {
    pub(crate) fn new(serial: u64, config: http2::Config, side: Side, stage: Stage, now: Instant) -> Self {
        Self {
            serial,
            http2: http2::Connection::new(config),
            side,
            stage,
            prelude: Vec::new(),
            sniffed: Vec::new(),
            written: 0,
            dirty: false,
            rest_until: None,
            draining: Draining::No,
            opened_at: now,
            received_at: now,
            busy_since: now,
            pinged_at: None,
            upkeep: TimerId::NONE,
            upkeep_at: now,
            looked_at: now,
            written_at_look: 0,
            unread_looks: 0,
            resets: Resets::new(now),
            separate_until: None,
            calm: TimerId::NONE,
            over: Vec::new(),
        }
    }

    /// What is to be written now.
    pub(crate) fn output(&self) -> &[u8] {
        match self.stage {
            _ if !self.prelude.is_empty() => &self.prelude,
            Stage::Opening | Stage::Sniffing => &[],
            Stage::Open | Stage::Closing => self.http2.output(),
        }
    }

    pub(crate) fn advance_output(&mut self, written: usize) {
        if !self.prelude.is_empty() {
            self.prelude.drain(..written.min(self.prelude.len()));
            return;
        }
        self.written += written as u64;
        self.http2.advance_output(written);
        self.http2.pump();
    }

    /// Where the next byte of output will stand among all that this connection ever writes.
    pub(crate) fn output_end(&self) -> u64 {
        self.written + self.http2.output().len() as u64
    }

    pub(crate) fn is_upstream(&self) -> bool {
        matches!(self.side, Side::Upstream { .. })
    }

    pub(crate) fn room(&self) -> Room {
        match self.stage {
            Stage::Opening => Room::Opening,
            Stage::Open => {
                let http2 = &self.http2;
                Room::of_open(http2.active_streams(), http2.peer_max_streams(), http2.capacity())
            }
            Stage::Sniffing | Stage::Closing => Room::Closed,
        }
    }

    /// Whether its peer is another sidecar: that may vanish without a word, and answers any number of PINGs. An application
    /// does not: its server closes the connection at the third within minutes (gRFC A8), while the kernel says goodbye for
    /// it. A machine without a sidecar is told of by TCP alone.
    pub(crate) fn is_of_a_sidecar(&self) -> bool {
        match &self.side {
            Side::Upstream { cell, .. } => cell.as_ref().is_some_and(|cell| cell.identity.is_some()),
            Side::Downstream { listener, .. } => matches!(listener, Listener::Inbound | Listener::InboundPlaintext),
        }
    }

    /// How its peer has ended the connection, in words, with what it said of that before.
    pub(crate) fn closed_words(&self) -> String {
        match self.http2.peer_goaway() {
            None => "closed the connection".to_owned(),
            Some((code, [])) => format!("closed the connection after GOAWAY {code}"),
            Some((code, text)) => {
                format!("closed the connection after GOAWAY {code} \"{}\"", String::from_utf8_lossy(text))
            }
        }
    }

    /// Looks at the first bytes, which are kept until they are understood.
    pub(crate) fn sniff(&mut self, bytes: &[u8]) -> Opened {
        self.sniffed.extend_from_slice(bytes);
        match connect::sniff(&self.sniffed) {
            Sniffed::More => Opened::NotYet,
            Sniffed::Preface => Opened::At(0),
            Sniffed::Connect { authority, length } => {
                self.prelude.extend_from_slice(connect::ESTABLISHED);
                self.take_authority(authority);
                Opened::At(length)
            }
            Sniffed::Refused(refusal) => Opened::Refused(refusal),
        }
    }

    /// The name of a CONNECT wins over the calls' own, unless it is empty.
    fn take_authority(&mut self, name: Vec<u8>) {
        if let Side::Downstream { authority, .. } = &mut self.side
            && !name.is_empty()
        {
            *authority = Some(name.into());
        }
    }
}
