//! The ends of a connection: GOAWAY in two phases (RFC 9113 §6.8), and failures.

use std::time::Instant;

use super::Connection;
use crate::block::Block;
use crate::settings::MOST_WINDOW;
use crate::streams::{Closing, Found};
use crate::{ConnectionError, ErrorCode, Event, Role, StreamId, Token};

/// Bytes of a peer's GOAWAY text that are kept.
const MOST_TEXT: usize = 128;

/// Who has said that the connection ends.
///
/// Ours: `None => Some(2^31-1) => Some(last processed)`; the peer's only falls.
#[derive(Clone, Debug, Default)]
pub(super) struct GoingAway {
    ours: Option<u32>,
    peers: Option<u32>,
    /// What the peer said last.
    told: Option<Box<(ErrorCode, Vec<u8>)>>,
}

// === impl GoingAway ===

impl GoingAway {
    /// Whether a new request comes too late.
    #[inline]
    pub(super) fn ignores(&self, stream: u32) -> bool {
        self.ours.is_some_and(|last| stream > last)
    }

    /// Notes the peer's last stream, which must not rise, and its reason (RFC 9113 §6.8). A second GOAWAY without a text
    /// does not take back the first one's.
    pub(super) fn peer_said(&mut self, last: u32, code: ErrorCode, text: &[u8]) -> u32 {
        let is_news = self.told.as_ref().is_none_or(|told| told.0 != code || !text.is_empty());
        if is_news {
            self.told = Some(Box::new((code, text[..text.len().min(MOST_TEXT)].to_vec())));
        }
        let least = self.peers.map_or(last, |before| before.min(last));
        self.peers = Some(least);
        least
    }
}

// === impl Connection ===

impl Connection {
    /// First phase of a graceful end: GOAWAY(2^31-1, NO_ERROR). New streams still come for a while.
    pub fn announce_shutdown(&mut self) {
        if self.going_away.ours.is_none() && self.failed.is_none() {
            self.going_away.ours = Some(MOST_WINDOW);
            self.output.goaway(MOST_WINDOW, ErrorCode::NO_ERROR, "");
        }
    }

    /// Second phase: GOAWAY with the last stream processed; later ones are ignored (RFC 9113 §6.8).
    pub fn shutdown(&mut self) {
        let last = self.last_processed();
        let is_news = self.going_away.ours.is_none_or(|before| before > last);
        if is_news && self.failed.is_none() {
            self.going_away.ours = Some(last);
            self.output.goaway(last, ErrorCode::NO_ERROR, "");
        }
    }

    /// Whether the peer sent GOAWAY.
    #[inline]
    #[must_use]
    pub fn is_going_away(&self) -> bool {
        self.going_away.peers.is_some()
    }

    /// The code and the text of the peer's GOAWAY; the text is cut at 128 bytes.
    #[must_use]
    pub fn peer_goaway(&self) -> Option<(ErrorCode, &[u8])> {
        self.going_away.told.as_deref().map(|(code, text)| (*code, &**text))
    }

    /// Whether no stream may be opened any more.
    pub(super) fn is_closing(&self) -> bool {
        self.is_going_away() || self.going_away.ours.is_some() || self.failed.is_some()
    }

    /// The caller's clock has found the header block unfinished after its time: fails the connection.
    pub fn fail_late_block(&mut self) -> ConnectionError {
        self.fail(Block::LATE);
        Block::LATE
    }

    #[cold]
    pub(super) fn fail(&mut self, error: ConnectionError) {
        self.failed = Some(error);
        self.output.goaway(self.last_processed(), error.code, error.cause);
    }

    /// Resets a stream for the peer's error and tells the caller.
    #[cold]
    pub(super) fn stream_error(
        &mut self,
        slot: u32,
        code: ErrorCode,
        cause: &'static str,
        now: Instant,
        event: &mut Option<Event<'_>>,
    ) -> Result<(), ConnectionError> {
        let (stream, token) = (StreamId(self.streams.get(slot).id), self.streams.get(slot).token);
        self.forget(slot, Closing::Cut);
        self.output.forced_reset(stream.0, code);
        self.floods.forced_reset(now)?;
        *event = Some(Event::StreamError { stream, token, code, cause });
        Ok(())
    }

    /// A frame for a stream that the peer itself had ended or reset (RFC 9113 §5.1, closed); no one is waiting for it.
    #[cold]
    pub(super) fn closed_error(
        &mut self,
        stream: u32,
        now: Instant,
        event: &mut Option<Event<'_>>,
    ) -> Result<(), ConnectionError> {
        self.output.forced_reset(stream, ErrorCode::STREAM_CLOSED);
        self.floods.forced_reset(now)?;
        let (stream, token, code) = (StreamId(stream), Token::NONE, ErrorCode::STREAM_CLOSED);
        *event = Some(Event::StreamError { stream, token, code, cause: "frame on a closed stream" });
        Ok(())
    }

    /// Drops a stream with what it had queued.
    pub(super) fn forget(&mut self, slot: u32, how: Closing) {
        if self.streams.get(slot).is_ready {
            self.ready.retain(|&other| other != slot);
        }
        self.streams.remove(slot, how);
    }

    /// What is known of a stream. Even ones are a server's to open, which only a push would do.
    #[inline]
    pub(super) fn find(&self, stream: u32) -> Found {
        if stream & 1 == 0 { Found::Never } else { self.streams.find(stream) }
    }

    /// No server opens streams here, so a client has processed none.
    fn last_processed(&self) -> u32 {
        match self.config.role {
            Role::Client => 0,
            Role::Server => self.highest,
        }
    }
}
