//! One streaming call: its messages as they become whole, and what of the answer waits.

use tulle_bench::messages::{LONGEST, PREFIX, framed_length};
use tulle_http2::{Connection, StreamId};

use crate::replies::{Replies, Status};

/// Answer that may wait for the client's window before the client is given no more of ours.
const MOST_WAITING: usize = 64 * 1024;

/// What is done with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It goes back at once.
    Each,
    /// It goes back so often, once the request has ended.
    Times(u32),
}

/// A call that is not over.
pub(crate) struct Echo {
    pub(crate) stream: StreamId,
    answer: Answer,
    /// A message that has not come whole, or the one that is repeated.
    message: Vec<u8>,
    has_head: bool,
    /// Bytes whose window the client has not been given back.
    held: u32,
}

/// Whether the call goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    GoesOn,
    Over,
}

// === impl Echo ===

impl Echo {
    pub(crate) fn new(stream: StreamId, answer: Answer) -> Self {
        Self { stream, answer, message: Vec::new(), has_head: false, held: 0 }
    }

    /// Takes what came; its window is given back, or held while the answer waits.
    pub(crate) fn data(&mut self, mut came: &[u8], http2: &mut Connection, replies: &Replies) -> Then {
        let length = came.len() as u32;
        while !came.is_empty() {
            let Ok(rest) = self.take(came, http2, replies) else {
                replies.end(http2, self.stream, Status::ResourceExhausted, self.has_head);
                return Then::Over;
            };
            came = rest;
        }
        self.held += length;
        self.give_window(http2);
        Then::GoesOn
    }

    /// The client has ended its side.
    pub(crate) fn end(&mut self, http2: &mut Connection, replies: &Replies) -> Then {
        match self.answer {
            Answer::Each if self.message.is_empty() => self.over(Status::Ok, http2, replies),
            Answer::Times(_) if framed_length(&self.message) == Some(self.message.len()) => self.repeat(http2, replies),
            _ => self.over(Status::Internal, http2, replies),
        }
    }

    /// Some of the answer has left: more may.
    pub(crate) fn moved(&mut self, http2: &mut Connection, replies: &Replies) -> Then {
        self.give_window(http2);
        match self.answer {
            Answer::Each => Then::GoesOn,
            Answer::Times(_) => self.repeat(http2, replies),
        }
    }

    /// Takes one message's part of `came`, and gives the rest.
    fn take<'c>(&mut self, came: &'c [u8], http2: &mut Connection, replies: &Replies) -> Result<&'c [u8], TooLong> {
        let is_whole = framed_length(came).is_some_and(|length| length <= came.len());
        if self.message.is_empty() && is_whole && self.answer == Answer::Each {
            let (message, rest) = came.split_at(framed_length(came).unwrap_or(came.len()));
            self.send(message, http2, replies);
            return Ok(rest);
        }
        let wanted = framed_length(&self.message).unwrap_or(PREFIX);
        let (part, rest) = came.split_at(came.len().min(wanted.saturating_sub(self.message.len())));
        self.message.extend_from_slice(part);
        match framed_length(&self.message) {
            Some(length) if length > LONGEST + PREFIX || part.is_empty() => return Err(TooLong),
            Some(length) if length == self.message.len() && self.answer == Answer::Each => {
                let message = std::mem::take(&mut self.message);
                self.send(&message, http2, replies);
                self.message = message;
                self.message.clear();
            }
            _ => {}
        }
        Ok(rest)
    }

    fn repeat(&mut self, http2: &mut Connection, replies: &Replies) -> Then {
        let message = std::mem::take(&mut self.message);
        while let Answer::Times(left) = self.answer {
            if left == 0 {
                return self.over(Status::Ok, http2, replies);
            }
            if http2.queued(self.stream) > 0 {
                break;
            }
            self.send(&message, http2, replies);
            self.answer = Answer::Times(left - 1);
        }
        self.message = message;
        Then::GoesOn
    }

    fn send(&mut self, message: &[u8], http2: &mut Connection, replies: &Replies) {
        self.give_head(http2, replies);
        http2.send_data(self.stream, message, false);
    }

    fn over(&mut self, status: Status, http2: &mut Connection, replies: &Replies) -> Then {
        replies.end(http2, self.stream, status, self.has_head);
        Then::Over
    }

    fn give_head(&mut self, http2: &mut Connection, replies: &Replies) {
        if !std::mem::replace(&mut self.has_head, true) {
            http2.send_headers(self.stream, &replies.head, false);
        }
    }

    fn give_window(&mut self, http2: &mut Connection) {
        if self.held > 0 && http2.queued(self.stream) <= MOST_WAITING {
            http2.release(self.stream, std::mem::take(&mut self.held));
        }
    }
}

/// A message over the limit, or a second one where one is wanted.
struct TooLong;
