//! A codec at the other end of one of a worker's connections: a caller, or a server that answers what has ended.

use std::time::Instant;
use tulle_http2::{Config, Connection, Event, Fields, HeadersKind, Role, StreamId, Token};
use tulle_proxy::worker::ConnectionKey;

pub(crate) struct End {
    pub(crate) key: ConnectionKey,
    pub(crate) codec: Connection,
    list: Fields,
    requests: Vec<StreamId>,
    head: Fields,
    trailers: Fields,
}

// === impl End ===

impl End {
    pub(crate) fn new(key: ConnectionKey, role: Role) -> Self {
        Self {
            key,
            codec: Connection::new(Config::new(role)),
            list: Fields::new(),
            requests: Vec::new(),
            head: fields(&[(":status", "200"), ("content-type", "application/grpc")]),
            trailers: fields(&[("grpc-status", "0")]),
        }
    }

    pub(crate) fn call(&mut self, head: &Fields, body: &[u8]) {
        let stream = self.codec.open(Token(0), head, false).expect("a stream");
        self.codec.send_data(stream, body, true);
    }

    /// Takes bytes; a server answers what has ended. Gives how many calls are over for a caller.
    pub(crate) fn receive(&mut self, now: Instant, mut input: &[u8], body: &[u8]) -> usize {
        let mut finished = 0;
        while let Some(event) = self.codec.receive(now, &mut input, &mut self.list).expect("the worker keeps the rules")
        {
            match event {
                Event::Headers { kind: HeadersKind::Trailers, .. } => {
                    assert_eq!(self.list.get(b"grpc-status"), Some(&b"0"[..]));
                    finished += 1;
                }
                Event::Data { stream, payload, end_stream, .. } => {
                    self.codec.release(stream, payload.len() as u32);
                    if end_stream {
                        self.requests.push(stream);
                    }
                }
                _ => {}
            }
        }
        while let Some(stream) = self.requests.pop() {
            self.answer(stream, body);
        }
        finished
    }

    fn answer(&mut self, stream: StreamId, body: &[u8]) {
        self.codec.send_headers(stream, &self.head, false);
        self.codec.send_data(stream, body, false);
        self.codec.send_headers(stream, &self.trailers, true);
    }
}

pub(crate) fn fields(list: &[(&str, &str)]) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in list {
        fields.push(name.as_bytes(), value.as_bytes());
    }
    fields
}
