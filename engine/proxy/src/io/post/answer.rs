//! What has come of the answer to one call: its status, once the stream has ended.

use super::error::PostError;
use tulle_http2::{ErrorCode, Event, Fields, HeadersKind, StreamId};
use tulle_mesh::outcome::Outcome;
use tulle_mesh::status::Code;

/// An export's answer is a few bytes: beyond these it is refused.
const MAX_BODY: usize = 64 * 1024;
const MAX_MESSAGE: usize = 1024;

/// The answer on one stream. `Nothing => Begun => Over`, `Nothing => (Over | NeverSeen)`.
pub(super) struct Answer {
    stream: StreamId,
    state: State,
    body: usize,
    http_status: u16,
}

pub(super) enum State {
    Nothing,
    /// The head or a part of the body came.
    Begun,
    Over(Result<(), PostError>),
    /// The control plane never took the call; it may be made again on another connection.
    NeverSeen(&'static str),
}

// === impl Answer ===

impl Answer {
    pub(super) fn to(stream: StreamId) -> Self {
        Self { stream, state: State::Nothing, body: 0, http_status: 0 }
    }

    pub(super) fn is_complete(&self) -> bool {
        matches!(self.state, State::Over(_) | State::NeverSeen(_))
    }

    pub(super) fn into_state(self) -> State {
        self.state
    }

    /// Takes an event of the connection; a field section is in `fields`.
    pub(super) fn take(&mut self, event: &Event<'_>, fields: &Fields) {
        if self.is_complete() || stream_of(event) != Some(self.stream) {
            return;
        }
        match *event {
            Event::Headers { kind: HeadersKind::Informational, .. } => {}
            Event::Headers { end_stream, .. } => self.fields(fields, end_stream),
            Event::Data { payload, end_stream, .. } => self.data(payload.len(), end_stream),
            Event::HeadersRefused { limit, .. } => self.refuse(Code::ResourceExhausted, &limit.to_string()),
            Event::Reset { code, .. } => self.reset(code),
            Event::StreamError { cause, .. } => self.refuse(Code::Internal, cause),
            Event::Refused { .. } => self.state = State::NeverSeen("the control plane goes away"),
            _ => {}
        }
    }

    fn fields(&mut self, fields: &Fields, end_stream: bool) {
        if let Some(status) = fields.get(b":status") {
            self.http_status = number(status);
        }
        self.state = State::Begun;
        match fields.get(b"grpc-status").map(Code::from_header) {
            Some(Code::Ok) if end_stream => self.state = State::Over(Ok(())),
            Some(code) if end_stream => self.refuse(code, &message(fields)),
            _ if end_stream => self.without_status(),
            _ => {}
        }
    }

    fn data(&mut self, bytes: usize, end_stream: bool) {
        self.state = State::Begun;
        self.body += bytes;
        if self.body > MAX_BODY {
            self.state = State::Over(Err(PostError::AnswerTooLong { most: MAX_BODY }));
        } else if end_stream {
            self.without_status();
        }
    }

    fn reset(&mut self, code: ErrorCode) {
        self.refuse(Outcome::reset(code.0).code, &format!("the stream was reset with {code}"));
    }

    fn without_status(&mut self) {
        match self.http_status {
            200 => self.refuse(Outcome::missing_status().code, "the answer has no grpc-status"),
            status => self.refuse(Outcome::http(status).code, &format!("http status {status} and no grpc-status")),
        }
    }

    fn refuse(&mut self, code: Code, message: &str) {
        self.state = State::Over(Err(PostError::Refused { code, message: message.to_owned() }));
    }
}

fn stream_of(event: &Event<'_>) -> Option<StreamId> {
    match *event {
        Event::Headers { stream, .. }
        | Event::HeadersRefused { stream, .. }
        | Event::Data { stream, .. }
        | Event::Reset { stream, .. }
        | Event::StreamError { stream, .. }
        | Event::Refused { stream, .. } => Some(stream),
        Event::GoAway { .. } | Event::Pong { .. } | Event::Settings => None,
    }
}

/// A status of three digits, as HTTP/2 has it; 0 for anything else.
fn number(status: &[u8]) -> u16 {
    std::str::from_utf8(status).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// `grpc-message`, percent-decoded, on one line and of bounded length.
fn message(fields: &Fields) -> String {
    let encoded = fields.get(b"grpc-message").unwrap_or_default();
    let decoded = percent_decoded(&encoded[..encoded.len().min(MAX_MESSAGE)]);
    String::from_utf8_lossy(&decoded).chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// What is no %XX stays as it is (grpc/doc/PROTOCOL-HTTP2.md, "Status-Message").
fn percent_decoded(mut encoded: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(encoded.len());
    while let [first, rest @ ..] = encoded {
        let byte = match rest {
            [a, b, ..] if *first == b'%' => hex(*a).zip(hex(*b)).map(|(a, b)| a << 4 | b),
            _ => None,
        };
        decoded.push(byte.unwrap_or(*first));
        encoded = if byte.is_some() { &rest[2..] } else { rest };
    }
    decoded
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}
