//! The other end of a connection of the worker's, a codec in memory, and what it saw.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Instant;
use tulle_http2::{
    Config, Connection, ErrorCode, Event, Fields, HeaderLimits, HeadersKind, PeerLimits, Role, StreamId,
};

/// One call as its caller sees it, or one request as a server does.
#[derive(Debug, Default, Clone)]
pub(crate) struct Exchange {
    pub(crate) stream: Option<StreamId>,
    pub(crate) head: Vec<(String, String)>,
    pub(crate) bytes: usize,
    /// The first few of them.
    pub(crate) first: Vec<u8>,
    pub(crate) trailers: Vec<(String, String)>,
    pub(crate) ended: bool,
    pub(crate) reset: Option<ErrorCode>,
    /// 1xx heads.
    pub(crate) hints: usize,
}

/// The other end of one of the worker's connections.
pub(crate) struct Peer {
    pub(crate) codec: Connection,
    pub(crate) address: Option<SocketAddr>,
    pub(crate) exchanges: BTreeMap<u32, Exchange>,
    pub(crate) going_away: bool,
    pub(crate) sent: usize,
    /// PINGs that it was sent.
    pub(crate) pings: usize,
    /// Gives window back at once for what it receives.
    pub(crate) reads: bool,
    /// Takes no byte and gives none.
    pub(crate) silent: bool,
}

pub(crate) fn fields(list: &[(&str, &str)]) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in list {
        fields.push(name.as_bytes(), value.as_bytes());
    }
    fields
}

impl Exchange {
    pub(crate) fn text(&self, name: &str) -> &str {
        let find = |list: &'_ [(String, String)]| list.iter().position(|(n, _)| n == name);
        match (find(&self.trailers), find(&self.head)) {
            (Some(at), _) => &self.trailers[at].1,
            (_, Some(at)) => &self.head[at].1,
            _ => "",
        }
    }

    pub(crate) fn status(&self) -> &str {
        self.text("grpc-status")
    }

    pub(crate) fn reason(&self) -> &str {
        self.text("tulle-reason")
    }
}

impl Peer {
    pub(crate) fn new(role: Role, max_streams: u32, address: Option<SocketAddr>) -> Self {
        // Patient, so that what is refused is refused by the worker; servers bear any resets: those that do not are played
        // by the tests that ask what comes of it.
        let header_limits = HeaderLimits { max_list_bytes: 1 << 20, ..HeaderLimits::default() };
        let peer_limits = PeerLimits { resets: PeerLimits::UNLIMITED, ..PeerLimits::default() };
        let config = Config { max_concurrent_streams: max_streams, header_limits, peer_limits, ..Config::new(role) };
        Self {
            codec: Connection::new(config),
            address,
            exchanges: BTreeMap::new(),
            going_away: false,
            sent: 0,
            pings: 0,
            reads: true,
            silent: false,
        }
    }

    pub(crate) fn receive(&mut self, now: Instant, mut input: &[u8]) {
        // A connection is asked when it is quiet.
        let quiet = &input[..input.len().min(100)];
        self.pings += quiet.windows(8).filter(|bytes| *bytes == b"tulle-ka").count();
        let mut list = Fields::new();
        while let Some(event) = self.codec.receive(now, &mut input, &mut list).expect("the worker keeps the rules") {
            self.note(event, &list);
        }
    }

    fn note(&mut self, event: Event<'_>, list: &Fields) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match event {
            Event::Headers { stream, kind, end_stream, .. } => {
                let all = list.iter().map(|field| (text(field.name), text(field.value))).collect();
                let exchange = self.exchanges.entry(stream.get()).or_default();
                exchange.stream = Some(stream);
                match kind {
                    HeadersKind::Informational => exchange.hints += 1,
                    HeadersKind::Trailers => exchange.trailers = all,
                    _ => exchange.head = all,
                }
                exchange.ended |= end_stream;
            }
            Event::Data { stream, payload, end_stream, .. } => {
                let exchange = self.exchanges.entry(stream.get()).or_default();
                exchange.bytes += payload.len();
                let more = payload.len().min(16 - exchange.first.len().min(16));
                exchange.first.extend_from_slice(&payload[..more]);
                exchange.ended |= end_stream;
                if self.reads {
                    self.codec.release(stream, payload.len() as u32);
                }
            }
            Event::Reset { stream, code, .. } | Event::StreamError { stream, code, .. } => {
                self.exchanges.entry(stream.get()).or_default().reset = Some(code);
            }
            Event::Refused { stream, .. } => {
                self.exchanges.entry(stream.get()).or_default().reset = Some(ErrorCode::REFUSED_STREAM);
            }
            Event::GoAway { .. } => self.going_away = true,
            _ => {}
        }
    }

    /// A whole reply to the `nth` request (0 for the first) on this connection.
    pub(crate) fn reply(&mut self, nth: usize, body: &[u8], trailers: &[(&str, &str)]) {
        self.reply_to(self.request(nth), body, trailers);
    }

    pub(crate) fn reply_to(&mut self, stream: StreamId, body: &[u8], trailers: &[(&str, &str)]) {
        self.codec.send_headers(stream, &fields(&[(":status", "200"), ("content-type", "application/grpc")]), false);
        self.codec.send_data(stream, body, false);
        self.codec.send_headers(stream, &fields(trailers), true);
    }

    /// A trailers-only reply.
    pub(crate) fn refuse(&mut self, nth: usize, trailers: &[(&str, &str)]) {
        let stream = self.request(nth);
        let mut list = vec![(":status", "200"), ("content-type", "application/grpc")];
        list.extend(trailers);
        self.codec.send_headers(stream, &fields(&list), true);
    }

    pub(crate) fn request(&self, nth: usize) -> StreamId {
        self.exchanges.values().nth(nth).and_then(|exchange| exchange.stream).expect("a request")
    }
}
