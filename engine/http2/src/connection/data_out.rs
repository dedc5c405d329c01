//! DATA we send: within both windows, the peer's frame size and the output's high water.

use super::Connection;
use crate::frame;
use crate::stream::AfterQueue;
use crate::{StreamId, Token};

/// What one look at a ready stream came to.
enum Turn {
    /// More waits and may go.
    Again,
    /// Nothing more may go now.
    Over,
}

// === impl Connection ===

impl Connection {
    /// Sends DATA: gives the bytes that reached the output; the rest is queued and told by [`Self::progress`]. On a
    /// closed stream it does nothing and gives all of them.
    pub fn send_data(&mut self, stream: StreamId, data: &[u8], end_stream: bool) -> usize {
        let Some(slot) = self.streams.live(stream.0) else { return data.len() };
        let state = self.streams.get(slot);
        if !state.takes_more() {
            return data.len();
        }
        let sent = if state.queue.is_empty() { self.write_data(slot, data, end_stream) } else { 0 };
        if sent < data.len() {
            self.queue_data(slot, &data[sent..], end_stream);
        } else if end_stream && !data.is_empty() {
            self.streams.end_local(slot);
        } else if end_stream {
            self.end_with_nothing(slot);
        }
        sent
    }

    /// Whether [`progress`](Self::progress) has something to say.
    #[inline]
    #[must_use]
    pub fn has_progressed(&self) -> bool {
        !self.progress.is_empty()
    }

    /// Tells the DATA bytes that left stream queues since asked last.
    pub fn progress(&mut self, mut each: impl FnMut(StreamId, Token, usize)) {
        for (stream, token, bytes) in self.progress.drain(..) {
            each(stream, token, bytes);
        }
    }

    /// DATA bytes waiting on a stream.
    #[must_use]
    pub fn queued(&self, stream: StreamId) -> usize {
        self.streams.live(stream.0).map_or(0, |slot| self.streams.get(slot).queue.len())
    }

    /// Moves queued DATA into the output while windows and the high water allow, a frame of each stream in turn.
    #[inline]
    pub fn pump(&mut self) {
        while self.send.available() > 0 && self.output.len() < self.config.output_high_water {
            let Some(slot) = self.ready.pop_front() else { return };
            self.streams.get_mut(slot).is_ready = false;
            if let Turn::Again = self.pump_one(slot) {
                self.mark_ready(slot);
            }
        }
    }

    /// Puts a stream that has something to send and window for it into the ready list, once.
    pub(super) fn mark_ready(&mut self, slot: u32) {
        let stream = self.streams.get_mut(slot);
        if !stream.is_ready && !stream.queue.is_empty() && stream.send.available() > 0 {
            stream.is_ready = true;
            self.ready.push_back(slot);
        }
    }

    fn queue_data(&mut self, slot: u32, rest: &[u8], ends: bool) {
        let stream = self.streams.get_mut(slot);
        stream.queue.push(rest);
        if ends {
            stream.after_queue = AfterQueue::End;
        }
        self.mark_ready(slot);
    }

    /// An empty frame with END_STREAM needs no window, but keeps its place behind the queue.
    fn end_with_nothing(&mut self, slot: u32) {
        let stream = self.streams.get_mut(slot);
        if !stream.queue.is_empty() {
            stream.after_queue = AfterQueue::End;
            return;
        }
        let id = stream.id;
        self.output.frame(frame::DATA, frame::END_STREAM, id, &[]);
        self.streams.end_local(slot);
    }

    /// Writes what may go now; END_STREAM is set on the last byte's frame.
    fn write_data(&mut self, slot: u32, data: &[u8], ends: bool) -> usize {
        let mut sent = 0;
        while sent < data.len() && self.output.len() < self.config.output_high_water {
            let stream = self.streams.get_mut(slot);
            let window = stream.send.available().min(self.send.available());
            let bytes = (data.len() - sent).min(window).min(self.peer.max_frame as usize);
            if bytes == 0 {
                break;
            }
            stream.send.spend(bytes);
            stream.sent = true;
            self.send.spend(bytes);
            let id = stream.id;
            let flags = if ends && sent + bytes == data.len() { frame::END_STREAM } else { 0 };
            self.output.frame(frame::DATA, flags, id, &data[sent..sent + bytes]);
            self.floods.data_sent();
            sent += bytes;
        }
        sent
    }

    /// Sends one frame of a stream's queue and, once that is empty, what follows it.
    fn pump_one(&mut self, slot: u32) -> Turn {
        let connection_window = self.send.available();
        let stream = self.streams.get_mut(slot);
        let most = stream.send.available().min(connection_window).min(self.peer.max_frame as usize);
        if most == 0 {
            // SETTINGS took its window while it waited in turn; an update puts it back into the list.
            return Turn::Over;
        }
        let chunk = stream.queue.front(most);
        let bytes = chunk.len();
        let is_last = bytes == stream.queue.len();
        let ends = is_last && stream.after_queue == AfterQueue::End;
        let flags = if ends { frame::END_STREAM } else { 0 };
        self.output.frame(frame::DATA, flags, stream.id, chunk);
        self.floods.data_sent();
        stream.queue.take(bytes);
        stream.sent = true;
        stream.send.spend(bytes);
        self.send.spend(bytes);
        let (id, token) = (StreamId(stream.id), stream.token);
        self.note_progress(id, token, bytes);
        if is_last {
            self.finish_queue(slot);
            return Turn::Over;
        }
        Turn::Again
    }

    fn finish_queue(&mut self, slot: u32) {
        let stream = self.streams.get_mut(slot);
        let id = stream.id;
        let ends = match std::mem::replace(&mut stream.after_queue, AfterQueue::Nothing) {
            AfterQueue::Nothing => return,
            AfterQueue::End => true,
            after @ (AfterQueue::Fields | AfterQueue::FieldsAndEnd) => {
                let fields = std::mem::take(&mut stream.trailers);
                let ends = after == AfterQueue::FieldsAndEnd;
                self.write_block(id, &fields, ends);
                // The list goes back to the slot for its memory.
                self.streams.get_mut(slot).trailers = fields;
                ends
            }
        };
        if ends {
            self.streams.end_local(slot);
        }
    }

    fn note_progress(&mut self, id: StreamId, token: Token, bytes: usize) {
        match self.progress.last_mut() {
            Some((last, _, sum)) if *last == id => *sum += bytes,
            _ => self.progress.push((id, token, bytes)),
        }
    }
}
