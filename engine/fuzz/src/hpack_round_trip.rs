//! Lists of fields to blocks and back: our encoder to our decoder and to another crate's, and that crate's encoder to our
//! decoder; tables shrink and grow in between.

use std::time::Instant;

use tulle_http2::{Config, ErrorCode, Fields, HeaderLimits, Role, Token};

use crate::hand::{self, CONTINUATION, END_HEADERS, END_STREAM, Frame, HEADERS, PREFACE};
use crate::script::Script;
use crate::seen::{End, List, Seen, list};

const NAMES: [&[u8]; 12] = [
    b":method",
    b":path",
    b":scheme",
    b":authority",
    b"te",
    b"content-type",
    b"grpc-timeout",
    b"x-a",
    b"x-bin",
    b"cookie",
    b"date",
    b"a-rather-long-name-that-is-in-no-static-table",
];
const VALUES: [&[u8]; 10] = [
    b"POST",
    b"GET",
    b"http",
    b"/",
    b"/t.Echo/Unary",
    b"application/grpc",
    b"trailers",
    b"",
    b"\xff\x01\x80",
    b"spiffe://shop.local/shop/front/with/a/long/path/of/many/letters",
];
const MOST_BLOCKS: usize = 40;
const TABLES: [u32; 6] = [4_096, 0, 31, 100, 1_000, 1 << 20];

struct Trip {
    client: End,
    server: End,
    theirs: loona_hpack::Decoder<'static>,
    /// The way back: the other crate's encoder to a server of its own.
    encoder: loona_hpack::Encoder<'static>,
    other: End,
    next: u32,
    now: Instant,
}

/// Each step is a list, or a new SETTINGS_HEADER_TABLE_SIZE of the peer's.
pub fn run(data: &[u8]) {
    let mut script = Script::new(data);
    let mut trip = Trip::new(&mut script);
    for _ in 0..MOST_BLOCKS {
        if script.is_over() {
            return;
        }
        if script.byte() % 8 == 7 {
            trip.resize(script.pick(&TABLES));
            continue;
        }
        let wanted = fields(&mut script);
        trip.there(&wanted);
        trip.back(&wanted);
    }
}

fn fields(script: &mut Script<'_>) -> Fields {
    let mut fields = Fields::new();
    for _ in 0..script.byte() % 12 {
        let choice = script.byte();
        let name = if choice & 1 == 0 { script.pick(&NAMES) } else { script.chunk(40) };
        let value = if choice & 6 == 6 { script.chunk(200) } else { script.pick(&VALUES) };
        if choice & 248 == 248 { fields.push_never_indexed(name, value) } else { fields.push(name, value) }
    }
    fields
}

// === impl Trip ===

impl Trip {
    fn new(script: &mut Script<'_>) -> Self {
        let now = Instant::now();
        let mut client = End::new(Config { encoder_table: script.pick(&TABLES), ..Config::new(Role::Client) });
        client.feed(now, &hand::settings(&[]).bytes());
        client.take_output();
        let mut theirs = loona_hpack::Decoder::new();
        theirs.set_max_allowed_table_size(4_096);
        let encoder = loona_hpack::Encoder::new();
        Self { client, server: server(), theirs, encoder, other: server(), next: 1, now }
    }

    fn resize(&mut self, table: u32) {
        // The decoders allow 4 096; less than that is the encoder's to keep to.
        self.client.feed(self.now, &hand::settings(&[(1, table.min(4_096))]).bytes());
        self.client.take_output();
        // Settings are counted as a flood only within a window.
        self.now += std::time::Duration::from_secs(11);
    }

    /// Our encoder's block says the same to both decoders.
    fn there(&mut self, wanted: &Fields) {
        let stream = self.client.codec.open(Token(0), wanted, true).expect("a stream");
        let frames = hand::frames(&self.client.take_output());
        self.client.codec.reset(stream, ErrorCode::CANCEL);
        self.client.take_output();
        let block: Vec<u8> = frames.iter().flat_map(|frame| frame.payload.clone()).collect();
        assert!(frames.iter().all(|frame| matches!(frame.kind, HEADERS | CONTINUATION)));
        // A size update alone is no block to the other decoder.
        if !wanted.is_empty() {
            let theirs = self.theirs.decode(&block);
            assert_eq!(theirs.ok().as_ref(), Some(&list(wanted)), "the other decoder reads something else");
        } else if !block.is_empty() {
            let _ = self.theirs.decode(&block);
        }
        let highest = frames.first().map_or(1, |frame| frame.stream);
        assert_eq!(decoded(&mut self.server, self.now, highest, &block), list(wanted));
        self.kept_secret(wanted);
    }

    /// Never-indexed stays so on the next hop (RFC 7541, section 7.1.3).
    fn kept_secret(&self, wanted: &Fields) {
        let flags = |fields: &Fields| fields.iter().map(|field| field.never_indexed).collect::<Vec<_>>();
        assert_eq!(flags(&self.server.fields), flags(wanted));
    }

    /// The other encoder's block, through a decoder of ours that has read nothing else.
    fn back(&mut self, wanted: &Fields) {
        let all = list(wanted);
        let block = self.encoder.encode(all.iter().map(|(name, value)| (&name[..], &value[..])));
        let stream = self.next;
        self.next += 2;
        assert_eq!(decoded(&mut self.other, self.now, stream, &block), all);
    }
}

fn server() -> End {
    let header_limits = HeaderLimits { max_list_bytes: 1 << 24, ..HeaderLimits::default() };
    let mut server = End::new(Config { header_limits, ..Config::new(Role::Server) });
    server.feed(Instant::now(), &[PREFACE, &hand::settings(&[]).bytes()].concat());
    server
}

fn decoded(server: &mut End, now: Instant, stream: u32, block: &[u8]) -> List {
    server.feed(now, &Frame::new(HEADERS, END_HEADERS | END_STREAM, stream, block).bytes());
    assert_eq!(server.failed, None, "a good block is refused");
    if let Some(Seen::Headers { stream, .. }) = server.seen.pop() {
        server.codec.reset(stream, ErrorCode::CANCEL);
    }
    server.take_output();
    list(&server.fields)
}
