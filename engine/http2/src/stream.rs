//! One stream's state, RFC 9113 §5.1. Slots are used again with their buffers.

use std::time::Instant;

use crate::flow::{ReceiveWindow, SendWindow};
use crate::queue::Queue;
use crate::{Fields, Token};

/// A stream that is open or half-closed.
///
/// `Open/Open => Ended/Open => Ended/Ended` for `remote/local` and the other way round; ended twice it is forgotten.
#[derive(Debug)]
pub(crate) struct Stream {
    /// 0 while the slot is free.
    pub(crate) id: u32,
    pub(crate) token: Token,
    pub(crate) local: Half,
    pub(crate) remote: Half,
    pub(crate) send: SendWindow,
    pub(crate) receive: ReceiveWindow,
    /// DATA that found no window.
    pub(crate) queue: Queue,
    /// Trailers behind the queue: as fields, since a block is encoded when it goes out (engine.md, trap 3).
    pub(crate) trailers: Fields,
    /// What follows the queue.
    pub(crate) after_queue: AfterQueue,
    /// Waits in the ready list.
    pub(crate) is_ready: bool,
    /// The final response head has come, or the request's.
    pub(crate) has_head: bool,
    /// A response to HEAD tells a length and has no content.
    pub(crate) is_head_request: bool,
    /// Content still to come where content-length told it.
    pub(crate) content_left: Option<u64>,
    /// When the peer opened it.
    pub(crate) opened: Option<Instant>,
    /// DATA has left since the last look for stalled streams.
    pub(crate) sent: bool,
    /// DATA has come since then.
    pub(crate) came: bool,
    /// Looks in a row that found it standing still.
    pub(crate) looks: u8,
}

/// Whether a side may still send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Half {
    Open,
    Ended,
}

/// What goes out once the queue is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AfterQueue {
    /// More may come.
    Nothing,
    /// END_STREAM on the last DATA.
    End,
    /// The waiting fields, without an end.
    Fields,
    /// The waiting fields with END_STREAM.
    FieldsAndEnd,
}

// === impl Stream ===

impl Stream {
    pub(crate) fn free() -> Self {
        Self {
            id: 0,
            token: Token::NONE,
            local: Half::Ended,
            remote: Half::Ended,
            send: SendWindow::new(0),
            receive: ReceiveWindow::new(0),
            queue: Queue::default(),
            trailers: Fields::new(),
            after_queue: AfterQueue::Nothing,
            is_ready: false,
            has_head: false,
            is_head_request: false,
            content_left: None,
            opened: None,
            sent: false,
            came: false,
            looks: 0,
        }
    }

    /// Makes the slot a new stream's, keeping its buffers.
    pub(crate) fn begin(&mut self, id: u32, token: Token, send: SendWindow, receive: ReceiveWindow) {
        self.id = id;
        self.token = token;
        self.local = Half::Open;
        self.remote = Half::Open;
        self.send = send;
        self.receive = receive;
        self.after_queue = AfterQueue::Nothing;
        self.is_ready = false;
        self.has_head = false;
        self.is_head_request = false;
        self.content_left = None;
        self.opened = None;
        self.sent = true;
        self.came = true;
        self.looks = 0;
    }

    /// Makes the slot free.
    pub(crate) fn end(&mut self) {
        self.id = 0;
        self.queue.recycle();
        self.trailers.clear();
    }

    /// Gives a free slot's buffers back; says how many bytes that were.
    pub(crate) fn trim(&mut self) -> usize {
        std::mem::take(&mut self.queue).memory() + std::mem::take(&mut self.trailers).memory()
    }

    /// Whether the caller may still add DATA or fields.
    #[inline]
    pub(crate) fn takes_more(&self) -> bool {
        self.local == Half::Open && matches!(self.after_queue, AfterQueue::Nothing)
    }

    /// Counts content against content-length; `false` where there is more than was told.
    #[inline]
    pub(crate) fn count_content(&mut self, bytes: usize) -> bool {
        let Some(left) = self.content_left else { return true };
        let rest = left.checked_sub(bytes as u64);
        self.content_left = Some(rest.unwrap_or(0));
        rest.is_some()
    }

    /// Whether an end now agrees with content-length.
    #[inline]
    pub(crate) fn may_end(&self) -> bool {
        self.is_head_request || self.content_left.is_none_or(|left| left == 0)
    }
}
