//! Two ends joined in memory, events kept as owned values, and frames written by hand.
#![allow(dead_code, unused_imports, reason = "each test binary uses its own part")]

use std::time::Instant;

use tulle_http2::{
    Config, Connection, ConnectionError, ErrorCode, Event, Exceeded, Fields, HeadersKind, Role, StreamId, Token,
};

/// An event that owns what it tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Headers { stream: u32, token: Token, kind: HeadersKind, end: bool, fields: Vec<(String, String)> },
    HeadersRefused { stream: u32, limit: Exceeded, end: bool },
    Data { stream: u32, bytes: Vec<u8>, end: bool },
    Reset { stream: u32, token: Token, code: ErrorCode },
    StreamError { stream: u32, token: Token, code: ErrorCode, cause: &'static str },
    Refused { stream: u32, token: Token },
    GoAway { last: u32, code: ErrorCode },
    Pong([u8; 8]),
    Settings,
}

/// One end with its clock and what it has seen.
pub(crate) struct End {
    pub(crate) connection: Connection,
    pub(crate) now: Instant,
    pub(crate) seen: Vec<Seen>,
    pub(crate) failed: Option<ConnectionError>,
    /// What was said of each malformed section.
    pub(crate) faults: Vec<String>,
    fields: Fields,
    streams: Vec<StreamId>,
}

impl End {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            connection: Connection::new(config),
            now: Instant::now(),
            seen: Vec::new(),
            failed: None,
            faults: Vec::new(),
            fields: Fields::new(),
            streams: Vec::new(),
        }
    }

    pub(crate) fn client() -> Self {
        Self::new(Config::new(Role::Client))
    }

    pub(crate) fn server() -> Self {
        Self::new(Config::new(Role::Server))
    }

    /// A server whose peer's preface and SETTINGS are behind it.
    pub(crate) fn greeted_server(config: Config) -> Self {
        let mut end = Self::new(config);
        end.feed(&[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), &frame(4, 0, 0, &[])].concat());
        end.feed(&frame(4, 1, 0, &[]));
        end.take_output();
        end.seen.clear();
        end
    }

    /// A client whose peer's SETTINGS are behind it.
    pub(crate) fn greeted_client(config: Config) -> Self {
        let mut end = Self::new(config);
        end.feed(&frame(4, 0, 0, &[]));
        end.feed(&frame(4, 1, 0, &[]));
        end.take_output();
        end.seen.clear();
        end
    }

    pub(crate) fn feed(&mut self, mut input: &[u8]) -> &mut Self {
        loop {
            match self.connection.receive(self.now, &mut input, &mut self.fields) {
                Ok(Some(event)) => {
                    if let Event::Headers { stream, .. } = event {
                        self.streams.push(stream);
                    }
                    if let Event::StreamError { stream, .. } = event {
                        self.faults.extend(self.connection.fault(stream).map(ToString::to_string));
                    }
                    let seen = own(event, &self.fields);
                    self.seen.push(seen);
                }
                Ok(None) => {
                    assert!(self.failed.is_some() || input.is_empty(), "input was left: {input:?}");
                    return self;
                }
                Err(error) => {
                    self.failed = Some(error);
                    return self;
                }
            }
        }
    }

    pub(crate) fn take_output(&mut self) -> Vec<u8> {
        let bytes = self.connection.output().to_vec();
        self.connection.advance_output(bytes.len());
        self.connection.pump();
        bytes
    }

    pub(crate) fn take_frames(&mut self) -> Vec<Frame> {
        parse(&self.take_output())
    }

    /// The fields of the last section, of use where it was refused.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        self.fields.get(name.as_bytes()).map(|value| String::from_utf8_lossy(value).into_owned())
    }

    /// The stream of the last request that was seen.
    pub(crate) fn last_stream(&mut self) -> StreamId {
        *self.streams.last().expect("a request")
    }

    pub(crate) fn take_seen(&mut self) -> Vec<Seen> {
        std::mem::take(&mut self.seen)
    }
}

/// Carries bytes both ways until neither end has more to say.
pub(crate) fn settle(one: &mut End, other: &mut End) {
    loop {
        let (there, back) = (one.take_output(), other.take_output());
        if there.is_empty() && back.is_empty() {
            return;
        }
        other.feed(&there);
        one.feed(&back);
    }
}

/// A client and a server that have met.
pub(crate) fn pair() -> (End, End) {
    let (mut client, mut server) = (End::client(), End::server());
    settle(&mut client, &mut server);
    client.seen.clear();
    server.seen.clear();
    (client, server)
}

fn own(event: Event<'_>, fields: &Fields) -> Seen {
    match event {
        Event::Headers { stream, token, kind, end_stream } => {
            Seen::Headers { stream: stream.get(), token, kind, end: end_stream, fields: texts(fields) }
        }
        Event::HeadersRefused { stream, limit, end_stream, .. } => {
            Seen::HeadersRefused { stream: stream.get(), limit, end: end_stream }
        }
        Event::Data { stream, payload, end_stream, .. } => {
            Seen::Data { stream: stream.get(), bytes: payload.to_vec(), end: end_stream }
        }
        Event::Reset { stream, token, code } => Seen::Reset { stream: stream.get(), token, code },
        Event::StreamError { stream, token, code, cause } => {
            Seen::StreamError { stream: stream.get(), token, code, cause }
        }
        Event::Refused { stream, token } => Seen::Refused { stream: stream.get(), token },
        Event::GoAway { last, code } => Seen::GoAway { last: last.get(), code },
        Event::Pong { payload } => Seen::Pong(payload),
        Event::Settings => Seen::Settings,
    }
}

fn texts(fields: &Fields) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    fields.iter().map(|f| (text(f.name), text(f.value))).collect()
}

/// A list of fields from pairs.
pub(crate) fn fields(pairs: &[(&str, &str)]) -> Fields {
    let mut made = Fields::new();
    for (name, value) in pairs {
        made.push(name.as_bytes(), value.as_bytes());
    }
    made
}

/// The head of a gRPC request.
pub(crate) fn request() -> Fields {
    fields(&[
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/shop.Orders/Place"),
        (":authority", "orders"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
    ])
}

/// The head of a gRPC response.
pub(crate) fn response() -> Fields {
    fields(&[(":status", "200"), ("content-type", "application/grpc")])
}

/// The trailers of a gRPC call that went well.
pub(crate) fn trailers() -> Fields {
    fields(&[("grpc-status", "0")])
}

/// A frame by hand.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A frame as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

/// Output cut into frames; a preface is left out.
pub(crate) fn parse(mut bytes: &[u8]) -> Vec<Frame> {
    bytes = bytes.strip_prefix(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice()).unwrap_or(bytes);
    let mut frames = Vec::new();
    while let Some((head, rest)) = bytes.split_at_checked(9) {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        frames.push(Frame { kind: head[3], flags: head[4], stream, payload: rest[..length].to_vec() });
        bytes = &rest[length..];
    }
    assert!(bytes.is_empty(), "output ends within a frame");
    frames
}

/// A block of literals that touch no table, written by hand.
pub(crate) fn block(pairs: &[(&str, &str)]) -> Vec<u8> {
    let mut made = Vec::new();
    for (name, value) in pairs {
        made.push(0);
        for text in [name, value] {
            integer(text.len(), &mut made);
            made.extend_from_slice(text.as_bytes());
        }
    }
    made
}

fn integer(value: usize, out: &mut Vec<u8>) {
    if value < 127 {
        return out.push(value as u8);
    }
    out.push(127);
    let mut rest = value - 127;
    while rest >= 128 {
        out.push(rest as u8 | 128);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// A plain request's block.
pub(crate) fn request_block() -> Vec<u8> {
    block(&[(":method", "POST"), (":scheme", "http"), (":path", "/a.B/C"), ("te", "trailers")])
}

/// HEADERS of a plain request that goes on.
pub(crate) fn open_request(stream: u32) -> Vec<u8> {
    frame(1, 4, stream, &request_block())
}

/// The identifier of a stream that an event named.
pub(crate) fn stream_of(seen: &Seen) -> u32 {
    match seen {
        Seen::Headers { stream, .. }
        | Seen::HeadersRefused { stream, .. }
        | Seen::Data { stream, .. }
        | Seen::Reset { stream, .. }
        | Seen::StreamError { stream, .. }
        | Seen::Refused { stream, .. } => *stream,
        _ => 0,
    }
}

/// DATA of one stream, joined.
pub(crate) fn data_of(seen: &[Seen], id: u32) -> Vec<u8> {
    seen.iter()
        .filter_map(|event| match event {
            Seen::Data { stream, bytes, .. } if *stream == id => Some(bytes.clone()),
            _ => None,
        })
        .flatten()
        .collect()
}

/// A stream identifier is only made by the codec, so a test learns it from `open` or an event's order.
pub(crate) fn stream_id(end: &mut End) -> StreamId {
    end.connection.open(Token(7), &request(), false).expect("a stream can be opened")
}
