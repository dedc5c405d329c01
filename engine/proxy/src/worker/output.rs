//! What is to be written: connections are marked while input is handled and written once at the end of the turn.

use super::Worker;
use super::connection::{Side, Stage};
use super::names::{ConnectionKey, StreamRef};
use crate::call::Phase;
use crate::planted;
use tulle_http2::{ErrorCode, Fields};

impl Worker {
    /// Marks a connection as changed.
    pub(crate) fn touch(&mut self, key: u32) {
        self.connections.touch(key);
    }

    /// The next connection with something to write; marked no longer. Write [`Worker::output`] of it until that is empty
    /// or the socket takes no more, telling [`Worker::wrote`] each time, then tell [`Worker::flushed`].
    pub fn next_dirty(&mut self) -> Option<ConnectionKey> {
        let (key, connection) = self.connections.next_dirty()?;
        connection.http2.offer_output();
        Some(key)
    }

    /// The socket takes bytes again.
    pub fn writable(&mut self, key: ConnectionKey) {
        self.touch(key.0);
    }

    /// Whether more may be read from the connection: not while its peer leaves too much of the output unread.
    #[must_use]
    pub fn wants_input(&self, key: ConnectionKey) -> bool {
        self.connections.get(key.0).is_none_or(|connection| connection.http2.wants_input())
    }

    /// The bytes to write next.
    #[must_use]
    pub fn output(&self, key: ConnectionKey) -> &[u8] {
        self.connections.get(key.0).map_or(&[], |connection| connection.output())
    }

    /// The first `written` bytes of the output are on their way.
    pub fn wrote(&mut self, key: ConnectionKey, written: usize) {
        if let Some(connection) = self.connections.get_mut(key.0) {
            connection.advance_output(written);
            self.after_progress(key.0);
        }
    }

    /// Nothing more can be written to the connection now.
    pub fn flushed(&mut self, key: ConnectionKey) {
        let done = self
            .connections
            .get(key.0)
            .is_some_and(|connection| connection.stage == Stage::Closing && connection.output().is_empty());
        if done {
            self.finish_closing(key.0);
        }
    }

    /// Sends DATA on a stream; gives the bytes that left at once.
    pub(crate) fn send_data(&mut self, to: StreamRef, payload: &[u8], end_stream: bool) -> usize {
        let Some(connection) = self.connections.change(to.connection) else {
            self.impossible::<()>("send_data");
            return payload.len();
        };
        connection.http2.send_data(to.stream, payload, end_stream)
    }

    /// Sends a field section on a stream.
    pub(crate) fn send_section(&mut self, to: StreamRef, section: &Fields, end_stream: bool) {
        let Some(connection) = self.connections.change(to.connection) else { return self.impossible("send_section") };
        connection.http2.send_headers(to.stream, section, end_stream);
    }

    /// Sends the field section of the event at hand on a stream.
    pub(crate) fn send_fields(&mut self, to: StreamRef, end_stream: bool) {
        let Some(connection) = self.connections.change(to.connection) else { return self.impossible("send_fields") };
        connection.http2.send_headers(to.stream, &self.fields, end_stream);
    }

    /// Sends the field section that has been made in `scratch` on a stream.
    pub(crate) fn send_made(&mut self, to: StreamRef, end_stream: bool) {
        let Some(connection) = self.connections.change(to.connection) else { return self.impossible("send_made") };
        connection.http2.send_headers(to.stream, &self.scratch, end_stream);
    }

    /// Gives a stream's peer window back.
    pub(crate) fn release(&mut self, to: StreamRef, bytes: u32) {
        let Some(connection) = self.connections.change(to.connection) else { return self.impossible("release") };
        connection.http2.release(to.stream, bytes);
    }

    /// Resets a stream.
    pub(crate) fn reset(&mut self, to: StreamRef, code: ErrorCode) {
        let Some(connection) = self.connections.change(to.connection) else { return self.impossible("reset") };
        connection.http2.reset(to.stream, code);
    }

    /// DATA that has left its queue gives window back on the other hop.
    pub(crate) fn after_progress(&mut self, key: u32) {
        let Some(connection) = self.connections.get_mut(key).filter(|one| one.http2.has_progressed()) else {
            return;
        };
        self.turn.take_progress(&mut connection.http2);
        let upstream = matches!(connection.side, Side::Upstream { .. });
        while let Some((stream, call, bytes)) = self.turn.next_moved() {
            self.moved_on(StreamRef { connection: key, stream }, call, bytes, upstream);
        }
    }

    fn moved_on(&mut self, at: StreamRef, key: u32, bytes: usize, upstream: bool) {
        let Some(call) = self.calls.get(key) else { return };
        planted::panic_at("write", &call.head);
        match upstream {
            true if call.up() == Some(at) => self.release_request(key, bytes),
            false if call.down == at && call.phase == Phase::Flushing => self.check_flushed(key),
            false if call.down == at => self.release_response(key, bytes),
            _ => {}
        }
    }
}
