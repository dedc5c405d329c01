//! The HTTP/2 codec by itself: a caller's end and a server's, the bytes of one put into the other.

use crate::counting::counted;
use crate::end::fields;
use std::time::Instant;
use tulle_http2::{Config, Connection, Event, Fields, Role, StreamId, Token};

const REPLY: [(&str, &str); 3] =
    [(":status", "200"), ("content-type", "application/grpc"), ("grpc-accept-encoding", "identity, deflate, gzip")];
const TRAILERS: [(&str, &str); 2] = [("grpc-status", "0"), ("grpc-message", "")];

struct Pair {
    now: Instant,
    caller: Connection,
    server: Connection,
    list: Fields,
    request: Request,
    reply: Fields,
    trailers: Fields,
}

/// What gRPC's own Python client says of a call; its time and its trace are never the same twice.
struct Request {
    fields: Fields,
    number: u64,
}

/// A unary call, `bytes` there and back, in both codecs.
pub(crate) fn unary(bytes: usize) -> Box<dyn FnMut(usize)> {
    let (mut pair, body) = (Pair::new(), vec![7; bytes]);
    Box::new(move |calls| {
        for _ in 0..calls {
            pair.request.next();
            counted(|| pair.unary(&body));
        }
    })
}

/// The server's end takes a request's head, HPACK and the rules of RFC 9113 section 8 included.
pub(crate) fn request_head() -> Box<dyn FnMut(usize)> {
    let mut pair = Pair::new();
    Box::new(move |calls| {
        for _ in 0..calls {
            pair.request.next();
            pair.caller.open(Token(0), &pair.request.fields, true).expect("a stream");
            let stream = counted(|| pair.pass_request());
            pair.server.send_headers(stream, &pair.reply, true);
            pair.pass_reply();
        }
    })
}

/// The server's end makes a reply's head and its trailers.
pub(crate) fn reply_heads() -> Box<dyn FnMut(usize)> {
    let mut pair = Pair::new();
    Box::new(move |calls| {
        for _ in 0..calls {
            pair.request.next();
            pair.caller.open(Token(0), &pair.request.fields, true).expect("a stream");
            let stream = pair.pass_request();
            counted(|| {
                pair.server.send_headers(stream, &pair.reply, false);
                pair.server.send_headers(stream, &pair.trailers, true);
            });
            pair.pass_reply();
        }
    })
}

// === impl Pair ===

impl Pair {
    fn new() -> Self {
        Self {
            now: Instant::now(),
            caller: Connection::new(Config::new(Role::Client)),
            server: Connection::new(Config::new(Role::Server)),
            list: Fields::new(),
            request: Request { fields: Fields::new(), number: 0 },
            reply: fields(&REPLY),
            trailers: fields(&TRAILERS),
        }
    }

    fn unary(&mut self, body: &[u8]) {
        let stream = self.caller.open(Token(0), &self.request.fields, false).expect("a stream");
        self.caller.send_data(stream, body, true);
        let stream = self.pass_request();
        self.server.send_headers(stream, &self.reply, false);
        self.server.send_data(stream, body, false);
        self.server.send_headers(stream, &self.trailers, true);
        self.pass_reply();
    }

    /// The caller's bytes to the server; gives the stream of the request that has ended.
    fn pass_request(&mut self) -> StreamId {
        pass(self.now, &mut self.caller, &mut self.server, &mut self.list).expect("a whole request")
    }

    fn pass_reply(&mut self) {
        pass(self.now, &mut self.server, &mut self.caller, &mut self.list).expect("a whole reply");
    }
}

/// Gives the stream that has ended, if one has.
fn pass(now: Instant, from: &mut Connection, to: &mut Connection, list: &mut Fields) -> Option<StreamId> {
    let (mut input, mut ended) = (from.output(), None);
    let length = input.len();
    while let Some(event) = to.receive(now, &mut input, list).expect("both keep the rules") {
        match event {
            Event::Headers { stream, end_stream: true, .. } => ended = Some(stream),
            Event::Data { stream, payload, end_stream, .. } => {
                to.release(stream, payload.len() as u32);
                ended = end_stream.then_some(stream).or(ended);
            }
            _ => {}
        }
    }
    from.advance_output(length);
    ended
}

// === impl Request ===

impl Request {
    fn next(&mut self) {
        self.number = self.number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let timeout = format!("{}u", 1_000_000 + self.number % 1_000_000);
        let trace = format!("00-{:016x}{:016x}-{:016x}-01", self.number, !self.number, self.number ^ 42);
        self.fields = fields(&[
            (":method", "POST"),
            (":scheme", "http"),
            (":path", "/shop.v1.Orders/PlaceOrder"),
            (":authority", "orders.default:50051"),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            ("user-agent", "grpc-python/1.80.0 grpc-c/52.0.0 (linux; chttp2)"),
            ("grpc-accept-encoding", "identity, deflate, gzip"),
            ("grpc-timeout", &timeout),
            ("traceparent", &trace),
        ]);
    }
}
