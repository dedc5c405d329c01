//! What a connection's bytes mean: frames become events, events go to their calls.

use crate::worker::Worker;
use crate::worker::connection::{Opened, Stage};
use crate::worker::names::{ConnectionKey, StreamRef};
use tulle_http2::{ConnectionError, ErrorCode, Event, HeadersKind, Token};
use tulle_mesh::telemetry::CounterName;

impl Worker {
    /// Bytes of a connection are there that are not read now: its peer lives.
    pub fn heard(&mut self, key: ConnectionKey) {
        if let Some(connection) = self.connections.get_mut(key.0) {
            connection.received_at = self.now;
            connection.pinged_at = None;
        }
    }

    /// Bytes of a connection, in plaintext, in order.
    pub fn received(&mut self, key: ConnectionKey, bytes: &[u8]) {
        let Some(connection) = self.connections.get_mut(key.0) else { return };
        connection.received_at = self.now;
        connection.pinged_at = None;
        let stage = connection.stage;
        self.expect_tidying();
        match stage {
            Stage::Open => self.receive_frames(key.0, bytes),
            Stage::Sniffing => self.receive_first(key.0, bytes),
            Stage::Opening | Stage::Closing => {}
        }
    }

    fn receive_first(&mut self, key: u32, bytes: &[u8]) {
        let Some(connection) = self.connections.get_mut(key) else { return self.impossible("receive_first") };
        let opened = connection.sniff(bytes);
        self.touch(key);
        match opened {
            Opened::NotYet => {}
            Opened::At(offset) => {
                let Some(connection) = self.connections.get_mut(key) else { return self.impossible("receive_first") };
                connection.stage = Stage::Open;
                let first = std::mem::take(&mut connection.sniffed);
                self.drain_newcomer(key);
                // Behind a CONNECT only HTTP/2 is spoken; the codec itself checks the preface then.
                self.receive_frames(key, first.get(offset..).unwrap_or_default());
            }
            Opened::Refused(refusal) => {
                self.telemetry.counters.add(CounterName::ConnectionsRefused, refusal.label(), 1);
                self.tell_refused_connection(refusal.label(), refusal.words());
                self.refuse_connection(key, refusal.reply());
            }
        }
    }

    fn receive_frames(&mut self, key: u32, mut input: &[u8]) {
        loop {
            let Some(connection) = self.connections.get_mut(key) else { return };
            match connection.http2.receive(self.now, &mut input, &mut self.fields) {
                Ok(Some(event)) => self.on_event(key, event),
                Ok(None) => break,
                Err(error) => return self.connection_error(key, error),
            }
        }
        self.touch(key);
        self.watch_unfinished(key);
        self.after_progress(key);
    }

    fn on_event(&mut self, key: u32, event: Event<'_>) {
        let upstream = self.connections.get(key).is_some_and(|connection| connection.is_upstream());
        self.count_event(key, &event);
        match event {
            Event::Settings => self.peer_settled(key),
            Event::GoAway { .. } => self.peer_goes_away(key),
            Event::Pong { .. } => {}
            _ if upstream => self.on_upstream_event(key, event),
            _ => self.on_downstream_event(key, event),
        }
    }

    fn on_downstream_event(&mut self, key: u32, event: Event<'_>) {
        let of_call = stream_of(&event).map(|(stream, call)| (StreamRef { connection: key, stream }, call));
        if let Some((down, call)) = of_call
            && self.calls.get(call).is_none_or(|call| call.down != down)
        {
            return;
        }
        match event {
            Event::Headers { stream, kind: HeadersKind::Request, end_stream, .. } => {
                self.before_request(key);
                self.on_request(key, stream, end_stream);
            }
            Event::HeadersRefused { stream, token: Token::NONE, limit, end_stream } => {
                self.on_request_over_limit(key, stream, limit, end_stream);
            }
            Event::HeadersRefused { token: Token(call), limit, .. } => self.on_request_trailers_over_limit(call, limit),
            Event::Headers { token: Token(call), .. } => self.on_request_trailers(call),
            Event::Data { token: Token(call), payload, end_stream, .. } => {
                self.on_request_data(call, payload, end_stream);
            }
            Event::Reset { token, .. } | Event::StreamError { token, .. } | Event::Refused { token, .. }
                if token != Token::NONE =>
            {
                self.on_caller_gone(token.0);
            }
            _ => {}
        }
    }

    fn on_upstream_event(&mut self, key: u32, event: Event<'_>) {
        let Some((stream, call)) = stream_of(&event) else { return };
        // A call that has moved on to another stream is not told of the old one.
        let up = Some(StreamRef { connection: key, stream });
        if self.calls.get(call).is_none_or(|call| call.up() != up) {
            return;
        }
        match event {
            Event::Headers { kind: HeadersKind::Response, end_stream, .. } => self.on_response(call, end_stream),
            Event::Headers { kind: HeadersKind::Informational, .. } => self.on_informational(call),
            Event::Headers { .. } => self.on_response_trailers(call),
            Event::HeadersRefused { limit, .. } => self.on_response_over_limit(call, limit),
            Event::Data { payload, end_stream, .. } => self.on_response_data(call, payload, end_stream),
            Event::Reset { code, .. } => self.on_upstream_reset(call, code),
            Event::StreamError { cause, .. } => {
                self.on_upstream_malformed(call, StreamRef { connection: key, stream }, cause);
            }
            Event::Refused { .. } => self.on_upstream_refused(call),
            Event::GoAway { .. } | Event::Pong { .. } | Event::Settings => {}
        }
    }

    pub(crate) fn connection_error(&mut self, key: u32, error: ConnectionError) {
        if let Some(limit) = error.limit {
            self.over_limit(key, limit.as_str());
        }
        self.telemetry.counters.add(CounterName::ProtocolErrors, error.code.label(), 1);
        self.fail_connection(key, "protocol", &format!("broke http/2 ({}: {})", error.code, error.cause));
    }

    /// Counts that a connection's peer went over a limit: once a connection and limit.
    pub(crate) fn over_limit(&mut self, key: u32, limit: &'static str) {
        let Some(connection) = self.connections.get_mut(key) else { return self.impossible("over_limit") };
        if !connection.over.contains(&limit) {
            connection.over.push(limit);
            self.telemetry.counters.add(CounterName::LimitsExceeded, limit, 1);
            self.tell_limit(key, limit);
        }
    }

    /// What a faulty event says of its connection, whichever call it belongs to.
    #[inline]
    fn count_event(&mut self, key: u32, event: &Event<'_>) {
        if matches!(event, Event::HeadersRefused { .. } | Event::StreamError { .. }) {
            self.count_fault(key, event);
        }
    }

    #[cold]
    fn count_fault(&mut self, key: u32, event: &Event<'_>) {
        match event {
            Event::HeadersRefused { limit, .. } => self.over_limit(key, limit.as_str()),
            Event::StreamError { code: ErrorCode::REFUSED_STREAM, .. } => {
                self.over_limit(key, "max_concurrent_streams");
            }
            Event::StreamError { stream, token, code, .. } => {
                self.telemetry.counters.add(CounterName::StreamErrors, code.label(), 1);
                self.tell_stream_error(key, *stream, *token, *code);
            }
            _ => {}
        }
    }

    /// Streams on a connection keep it from being idle.
    fn before_request(&mut self, key: u32) {
        let Some(connection) = self.connections.get_mut(key) else { return self.impossible("before_request") };
        connection.busy_since = self.now;
        if connection.http2.active_streams() == 1 {
            self.became_busy(key);
        }
    }
}

fn stream_of(event: &Event<'_>) -> Option<(tulle_http2::StreamId, u32)> {
    match *event {
        Event::Headers { stream, token, .. }
        | Event::HeadersRefused { stream, token, .. }
        | Event::Data { stream, token, .. }
        | Event::Reset { stream, token, .. }
        | Event::StreamError { stream, token, .. }
        | Event::Refused { stream, token } => (token != Token::NONE).then_some((stream, token.0)),
        Event::GoAway { .. } | Event::Pong { .. } | Event::Settings => None,
    }
}
