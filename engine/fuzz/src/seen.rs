//! A codec's events as owned values, and one end of a connection that collects them.

use std::time::Instant;

use tulle_http2::{Config, Connection, ConnectionError, ErrorCode, Event, Fields, HeadersKind, StreamId, Token};

/// Names and values in order.
pub(crate) type List = Vec<(Vec<u8>, Vec<u8>)>;

/// An event that owns what it tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Headers { stream: StreamId, token: Token, kind: HeadersKind, end: bool, list: List },
    HeadersRefused { stream: StreamId, token: Token, end: bool },
    Data { stream: StreamId, token: Token, bytes: Vec<u8>, end: bool },
    Reset { stream: StreamId, token: Token, code: ErrorCode },
    StreamError { stream: StreamId, token: Token, code: ErrorCode, cause: &'static str },
    Refused { stream: StreamId, token: Token },
    GoAway { last: u32, code: ErrorCode },
    Pong([u8; 8]),
    Settings,
}

/// One end of a connection, with what it has told.
pub(crate) struct End {
    pub(crate) codec: Connection,
    pub(crate) seen: Vec<Seen>,
    pub(crate) failed: Option<ConnectionError>,
    pub(crate) fields: Fields,
}

// === impl End ===

impl End {
    pub(crate) fn new(config: Config) -> Self {
        Self { codec: Connection::new(config), seen: Vec::new(), failed: None, fields: Fields::new() }
    }

    /// Feeds all of `input`; an error ends it, and must be given again by every later call.
    pub(crate) fn feed(&mut self, now: Instant, mut input: &[u8]) {
        loop {
            match self.codec.receive(now, &mut input, &mut self.fields) {
                Ok(Some(event)) => {
                    assert!(self.failed.is_none(), "an event came after the connection's error");
                    self.seen.push(own(event, &self.fields));
                }
                Ok(None) => {
                    assert!(self.failed.is_none(), "the connection's error was forgotten");
                    assert!(input.is_empty(), "the codec asks for more and leaves {} bytes", input.len());
                    return;
                }
                Err(error) => {
                    assert!(self.failed.is_none_or(|before| before == error), "the error changed");
                    self.failed = Some(error);
                    return;
                }
            }
        }
    }

    /// Feeds `input` in pieces of `size` bytes; 0 for all at once.
    pub(crate) fn feed_in_pieces(&mut self, now: Instant, input: &[u8], size: usize) {
        if size == 0 {
            return self.feed(now, input);
        }
        for piece in input.chunks(size) {
            self.feed(now, piece);
        }
    }

    pub(crate) fn take_output(&mut self) -> Vec<u8> {
        let mut taken = Vec::new();
        while !self.codec.output().is_empty() {
            let length = self.codec.output().len();
            taken.extend_from_slice(self.codec.output());
            self.codec.advance_output(length);
            self.codec.pump();
        }
        taken
    }
}

pub(crate) fn list(fields: &Fields) -> List {
    fields.iter().map(|field| (field.name.to_vec(), field.value.to_vec())).collect()
}

pub(crate) fn fields(list: &[(&[u8], &[u8])]) -> Fields {
    let mut made = Fields::new();
    for (name, value) in list {
        made.push(name, value);
    }
    made
}

/// DATA that came in neighbouring parts as one: cuts may fall anywhere.
pub(crate) fn joined(seen: Vec<Seen>) -> Vec<Seen> {
    let mut made: Vec<Seen> = Vec::new();
    for event in seen {
        if let (Some(Seen::Data { stream, bytes, end, .. }), Seen::Data { stream: other, bytes: more, end: last, .. }) =
            (made.last_mut(), &event)
            && stream == other
            && !*end
        {
            bytes.extend_from_slice(more);
            *end = *last;
            continue;
        }
        made.push(event);
    }
    made
}

fn own(event: Event<'_>, fields: &Fields) -> Seen {
    match event {
        Event::Headers { stream, token, kind, end_stream } => {
            Seen::Headers { stream, token, kind, end: end_stream, list: list(fields) }
        }
        Event::HeadersRefused { stream, token, end_stream, .. } => {
            Seen::HeadersRefused { stream, token, end: end_stream }
        }
        Event::Data { stream, token, payload, end_stream } => {
            Seen::Data { stream, token, bytes: payload.to_vec(), end: end_stream }
        }
        Event::Reset { stream, token, code } => Seen::Reset { stream, token, code },
        Event::StreamError { stream, token, code, cause, .. } => Seen::StreamError { stream, token, code, cause },
        Event::Refused { stream, token } => Seen::Refused { stream, token },
        Event::GoAway { last, code } => Seen::GoAway { last: last.get(), code },
        Event::Pong { payload } => Seen::Pong(payload),
        Event::Settings => Seen::Settings,
    }
}
