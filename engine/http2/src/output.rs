//! Bytes on their way to the socket, and the frames that have no state.

use crate::frame::{self, HEAD, Head};
use crate::{ConnectionError, ErrorCode, PeerLimit};

/// Front that may be empty before the rest is moved.
const SLACK: usize = 64 * 1024;

/// One buffer, written at its end and taken from its front.
#[derive(Debug, Default)]
pub(crate) struct Output {
    bytes: Vec<u8>,
    start: usize,
    /// Where the frame begins that is on its way, at or before `start`; right after a flush in part alone.
    frame_start: usize,
    /// What the peer made us send: acknowledgements, resets for its errors, window.
    answers: Tally,
    /// What a server says to a client's requests.
    replies: Tally,
}

/// Frames among the waiting bytes, about: a flush in part takes its share.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    waiting: u32,
    /// Of these, the ones that the socket has been offered.
    offered: u32,
}

/// How many frames may wait for a peer that does not read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unread {
    /// Of those that the peer made us send.
    pub(crate) answers: u32,
    /// Of a server's replies.
    pub(crate) replies: u32,
}

// === impl Output ===

impl Output {
    #[inline]
    pub(crate) fn waiting(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    #[inline]
    pub(crate) fn advance(&mut self, written: usize) {
        let waiting = self.len();
        if written >= waiting {
            self.bytes.clear();
            (self.start, self.frame_start) = (0, 0);
            (self.answers, self.replies) = (Tally::default(), Tally::default());
            return;
        }
        self.answers.take_share(written, waiting);
        self.replies.take_share(written, waiting);
        self.start += written;
        let begun = self.frames_from(self.frame_start).map(|(at, _)| at).take_while(|at| *at <= self.start);
        self.frame_start = begun.last().unwrap_or(self.frame_start);
        if self.start > SLACK && self.start > self.bytes.len() / 2 {
            let gone = self.frame_start;
            self.bytes.drain(..gone);
            self.start -= gone;
            self.frame_start = 0;
        }
    }

    /// What is in the buffer so far is no frame.
    pub(crate) fn begin_frames(&mut self) {
        self.frame_start = self.bytes.len();
    }

    /// Ends of streams that are not wholly on their way.
    pub(crate) fn unsent_ends(&self) -> usize {
        let ends = |head: &Head| matches!(head.kind, frame::DATA | frame::HEADERS) && head.has(frame::END_STREAM);
        match self.len() {
            0 => 0,
            _ => self.frames_from(self.frame_start).filter(|(_, head)| ends(head)).count(),
        }
    }

    /// Frames in the buffer, each with its place, from one that begins at `from`.
    fn frames_from(&self, from: usize) -> impl Iterator<Item = (usize, Head)> + '_ {
        let at = |at: usize| {
            let head = self.bytes.get(at..)?.first_chunk::<HEAD>()?;
            Some((at, Head::parse(head)))
        };
        std::iter::successors(at(from), move |(here, head)| at(here + HEAD + head.length as usize))
    }

    /// Gives the buffer back where it is empty; says how many bytes that were.
    pub(crate) fn trim(&mut self) -> usize {
        if self.len() > 0 {
            return 0;
        }
        std::mem::take(self).bytes.capacity()
    }

    /// The buffer itself, for a block that is encoded where it lies.
    #[inline]
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    #[inline]
    pub(crate) fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let head = Head { length: payload.len() as u32, kind, flags, stream };
        self.bytes.reserve(HEAD + payload.len());
        self.bytes.extend_from_slice(&head.to_bytes());
        self.bytes.extend_from_slice(payload);
    }

    /// A frame that the peer made us send. What we say of our own accord must not count: a peer that pauses would be
    /// blamed for our requests.
    pub(crate) fn answer(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.answers.waiting += 1;
        self.frame(kind, flags, stream, payload);
    }

    /// One more frame of a server's reply is in the buffer.
    #[inline]
    pub(crate) fn count_reply(&mut self) {
        self.replies.waiting += 1;
    }

    /// The socket is offered all of it now: what is still here afterwards, the peer does not read.
    #[inline]
    pub(crate) fn offer(&mut self) {
        self.answers.offered = self.answers.waiting;
        self.replies.offered = self.replies.waiting;
    }

    pub(crate) fn window_update(&mut self, stream: u32, by: u32) {
        self.answer(frame::WINDOW_UPDATE, 0, stream, &by.to_be_bytes());
    }

    /// Resets a stream for the peer's error.
    pub(crate) fn forced_reset(&mut self, stream: u32, code: ErrorCode) {
        self.answer(frame::RST_STREAM, 0, stream, &code.0.to_be_bytes());
    }

    pub(crate) fn goaway(&mut self, last: u32, code: ErrorCode, debug: &str) {
        let mut payload = [last.to_be_bytes(), code.0.to_be_bytes()].concat();
        payload.extend_from_slice(debug.as_bytes());
        self.frame(frame::GOAWAY, 0, 0, &payload);
    }

    /// # Errors
    /// More frames than `most` wait though the peer goes on asking (CVE-2019-9512, -9515, -9517).
    #[inline]
    pub(crate) fn check(&self, most: Unread) -> Result<(), ConnectionError> {
        if self.answers.offered > most.answers || self.replies.offered > most.replies {
            return Err(ConnectionError::calm(PeerLimit::Unread, "what was answered is not read"));
        }
        Ok(())
    }
}

// === impl Tally ===

impl Tally {
    fn take_share(&mut self, written: usize, of: usize) {
        let gone = (self.waiting as usize * written / of) as u32;
        self.waiting -= gone;
        self.offered = self.offered.saturating_sub(gone);
    }
}
