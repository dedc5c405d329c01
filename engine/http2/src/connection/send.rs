//! What the caller sends besides DATA: heads, trailers, resets, window, PING.

use super::Connection;
use crate::flow::{ReceiveWindow, SendWindow};
use crate::frame::{self, HEAD, Head};
use crate::stream::{AfterQueue, Half};
use crate::streams::Closing;
use crate::{ErrorCode, Event, Fields, OpenError, Role, StreamId, Token};

// === impl Connection ===

impl Connection {
    /// Opens a stream with a request head (client).
    ///
    /// # Errors
    /// No stream can be had on this connection now; a server can have none at all.
    pub fn open(&mut self, token: Token, fields: &Fields, end_stream: bool) -> Result<StreamId, OpenError> {
        if self.is_closing() || self.config.role == Role::Server {
            return Err(OpenError::GoingAway);
        }
        if self.streams.len() >= self.peer.max_streams as usize {
            return Err(OpenError::StreamLimit);
        }
        let id = if self.highest == 0 { 1 } else { self.highest.saturating_add(2) };
        if id > crate::settings::MOST_WINDOW {
            return Err(OpenError::IdsExhausted);
        }
        self.highest = id;
        self.floods.opened();
        let slot = self.streams.insert(id);
        let stream = self.streams.get_mut(slot);
        let (send, receive) = (SendWindow::new(self.peer.window), ReceiveWindow::new(self.stream_window));
        stream.begin(id, token, send, receive);
        stream.is_head_request = fields.get(b":method") == Some(b"HEAD");
        self.write_block(id, fields, end_stream);
        if end_stream {
            self.streams.end_local(slot);
        }
        Ok(StreamId(id))
    }

    /// Gives a stream another handle; no-op on a closed one.
    #[inline]
    pub fn set_token(&mut self, stream: StreamId, token: Token) {
        if let Some(slot) = self.streams.live(stream.0) {
            self.streams.get_mut(slot).token = token;
        }
    }

    /// Sends a response head, a 1xx head or trailers; waits as fields behind queued DATA; no-op on a closed stream or
    /// after the end was given.
    pub fn send_headers(&mut self, stream: StreamId, fields: &Fields, end_stream: bool) {
        let Some(slot) = self.streams.live(stream.0) else { return };
        let state = self.streams.get_mut(slot);
        if !state.takes_more() {
            return;
        }
        if !state.queue.is_empty() {
            state.trailers.clone_from(fields);
            state.after_queue = if end_stream { AfterQueue::FieldsAndEnd } else { AfterQueue::Fields };
            return;
        }
        self.write_block(stream.0, fields, end_stream);
        if end_stream {
            self.streams.end_local(slot);
        }
    }

    /// Resets a stream and drops its queue; no further event of it follows. No-op on a closed stream.
    pub fn reset(&mut self, stream: StreamId, code: ErrorCode) {
        self.pending.retain(|event| !matches!(event, Event::Refused { stream: other, .. } if *other == stream));
        let Some(slot) = self.streams.live(stream.0) else { return };
        self.forget(slot, Closing::Cut);
        self.count_reply();
        self.output.frame(frame::RST_STREAM, 0, stream.0, &code.0.to_be_bytes());
    }

    /// Gives back stream window for bytes that were taken; a WINDOW_UPDATE goes out once a quarter of it is owed,
    /// and no sooner than what was read with them is worked off: by then the stream may have ended.
    #[inline]
    pub fn release(&mut self, stream: StreamId, bytes: u32) {
        let Some(slot) = self.streams.live(stream.0) else { return };
        let state = self.streams.get_mut(slot);
        if state.remote == Half::Ended {
            return;
        }
        if state.receive.release(bytes) {
            self.give_back_soon(slot, stream.0);
        }
    }

    /// Queues a PING; its answer is [`Event::Pong`].
    pub fn ping(&mut self, payload: [u8; 8]) {
        self.output.frame(frame::PING, 0, 0, &payload);
    }

    /// Encodes a block at the moment it goes out, right into the output (engine.md, trap 3).
    pub(super) fn write_block(&mut self, stream: u32, fields: &Fields, ends: bool) {
        self.count_reply();
        let buffer = self.output.buffer();
        let start = buffer.len();
        buffer.extend_from_slice(&[0; HEAD]);
        self.encoder.encode(fields, buffer);
        let length = buffer.len() - start - HEAD;
        let ends = if ends { frame::END_STREAM } else { 0 };
        if length > self.peer.max_frame as usize {
            return self.split_block(start, stream, ends);
        }
        let head = Head { length: length as u32, kind: frame::HEADERS, flags: frame::END_HEADERS | ends, stream };
        buffer[start..start + HEAD].copy_from_slice(&head.to_bytes());
    }

    /// Only a server's frames are called forth by the peer: a client speaks first.
    #[inline]
    fn count_reply(&mut self) {
        if self.config.role == Role::Server {
            self.output.count_reply();
        }
    }

    /// A block over the peer's frame size goes on in CONTINUATION frames.
    #[cold]
    fn split_block(&mut self, start: usize, stream: u32, ends: u8) {
        let buffer = self.output.buffer();
        let block = buffer.split_off(start + HEAD);
        buffer.truncate(start);
        let mut fragments = block.chunks(self.peer.max_frame as usize).peekable();
        let (mut kind, mut flags) = (frame::HEADERS, ends);
        while let Some(fragment) = fragments.next() {
            if fragments.peek().is_none() {
                flags |= frame::END_HEADERS;
            }
            self.output.frame(kind, flags, stream, fragment);
            (kind, flags) = (frame::CONTINUATION, 0);
        }
    }
}
