//! A script played against one end: frames of a peer, good and bad, between the verbs that the end's caller has.
//!
//! After each step the ledger and the order of all streams are checked.

use std::time::{Duration, Instant};

use tulle_http2::{Config, ConnectionError, ErrorCode, HeaderLimits, Role, StreamId, Token};

use crate::hand::{self, Frame, GOAWAY};
use crate::ledger::Ledger;
use crate::order::Order;
use crate::requests;
use crate::script::Script;
use crate::seen::{End, Seen, fields, joined};

const MOST_STEPS: usize = 150;
const STREAMS: [u32; 8] = [1, 3, 5, 7, 9, 0, 2, 201];
const SIZES: [usize; 8] = [0, 1, 10, 1_000, 16_384, 16_385, 40_000, 70_000];
const UPDATES: [u32; 8] = [0, 1, 100, 16_384, 65_535, 1 << 20, 0x7fff_ffff, 0x8000_0001];

/// Everything that the far side of an end and its caller have seen.
pub(crate) type Played = (Vec<Seen>, Option<ConnectionError>, Vec<u8>);

/// One end, its model, and what was written so far.
pub(crate) struct Player<'d> {
    script: Script<'d>,
    end: End,
    role: Role,
    now: Instant,
    ledger: Ledger,
    order: Order,
    told: usize,
    /// Bytes of the waiting output that the model has read.
    read: usize,
    written: Vec<u8>,
    piece: usize,
    opened: u32,
    high_water: usize,
}

/// Plays `data` against an end of this role, whose input comes in pieces of `piece` bytes; 0 for whole frames.
pub(crate) fn play(role: Role, data: &[u8], now: Instant, piece: usize) -> Played {
    let mut script = Script::new(data);
    let config = config(role, &mut script);
    let high_water = config.output_high_water;
    let lent = config.max_stream_window - config.stream_window;
    let mut player = Player {
        script,
        end: End::new(config),
        role,
        now,
        ledger: Ledger::new(lent),
        order: Order::new(role),
        told: 0,
        read: 0,
        written: Vec::new(),
        piece,
        opened: 0,
        high_water,
    };
    player.begin();
    for _ in 0..MOST_STEPS {
        if player.script.is_over() || player.end.failed.is_some() {
            break;
        }
        player.step();
        player.check();
    }
    player.finish()
}

/// Half of the scripts let windows grow.
fn config(role: Role, script: &mut Script<'_>) -> Config {
    let limits = HeaderLimits { max_list_bytes: script.pick(&[300, 16_384]), ..HeaderLimits::default() };
    let max_concurrent_streams = script.pick(&[1, 3, 100]);
    let stream_window = script.pick(&[65_536, 0, 1, 1_000, 1 << 20]);
    let connection_window = script.pick(&[1 << 20, 65_535]);
    let (max_stream_window, max_connection_window) =
        if connection_window == 65_535 { (4 << 20, 1 << 20) } else { (stream_window, connection_window) };
    Config {
        max_concurrent_streams,
        stream_window,
        connection_window,
        max_stream_window,
        max_connection_window,
        encoder_table: script.pick(&[4_096, 0, 100]),
        output_high_water: script.pick(&[60_000, 1, 20_000]),
        header_limits: limits,
        ..Config::new(role)
    }
}

// === impl Player ===

impl Player<'_> {
    fn begin(&mut self) {
        if self.role == Role::Server {
            self.end.feed_in_pieces(self.now, hand::PREFACE, self.piece);
        }
        self.peer(&hand::settings(&[]));
        self.read_output();
    }

    fn step(&mut self) {
        match self.script.byte() % 20 {
            0..=3 => self.peer_headers(),
            4..=6 => self.peer_data(),
            7 => self.peer_settings(),
            8 => self.peer_update(),
            9 => self.peer_other(),
            10 | 11 => self.send_headers(),
            12 | 13 => self.send_data(),
            14 => self.release(),
            15 => self.write_some(),
            16 => self.reset(),
            17 if self.role == Role::Client => self.open(),
            17 => self.set_token(),
            18 if self.role == Role::Client => self.open(),
            _ => self.seldom(),
        }
        self.read_output();
    }

    fn stream(&mut self) -> u32 {
        self.script.pick(&STREAMS)
    }

    /// One of the streams that live; none where there is none.
    fn live(&mut self) -> Option<StreamId> {
        let at = usize::from(self.script.byte());
        let live: Vec<StreamId> = self.order.live().map(|live| live.id).collect();
        (!live.is_empty()).then(|| live[at % live.len()])
    }

    /// The peer writes a frame.
    fn peer(&mut self, frame: &Frame) {
        let within = self.ledger.peer_writes(frame);
        self.end.feed_in_pieces(self.now, &frame.bytes(), self.piece);
        assert!(within || self.end.failed.is_some(), "DATA over the connection's window was taken");
        let seen = self.end.seen.split_off(self.told);
        for event in joined(seen) {
            self.order.note(&event);
            self.end.seen.push(event);
        }
        self.told = self.end.seen.len();
    }

    fn peer_headers(&mut self) {
        let stream = self.stream();
        let block = requests::block(&mut self.script, self.role);
        for frame in requests::frames_of_block(&mut self.script, stream, &block) {
            if self.end.failed.is_none() {
                self.peer(&frame);
            }
        }
    }

    fn peer_data(&mut self) {
        let stream = self.stream();
        let size = self.script.pick(&SIZES).min(16_385);
        let frame = requests::data(&mut self.script, stream, &vec![7; size]);
        self.peer(&frame);
    }

    fn peer_settings(&mut self) {
        let id = self.script.pick(&[4, 5, 1, 3, 2, 6, 8, 9]);
        let values = [0, 1, 100, 16_384, 65_535, 70_000, 0x7fff_ffff, 0x8000_0000, 4_096, (1 << 24) - 1];
        let value = self.script.pick(&values);
        self.peer(&hand::settings(&[(id, value)]));
    }

    fn peer_update(&mut self) {
        let (stream, by) = (self.stream(), self.script.pick(&UPDATES));
        self.peer(&Frame::new(hand::WINDOW_UPDATE, 0, stream, &by.to_be_bytes()));
    }

    fn peer_other(&mut self) {
        let kind =
            self.script.pick(&[hand::RST_STREAM, hand::PING, GOAWAY, 2, hand::SETTINGS, 5, 99, hand::CONTINUATION]);
        let (flags, stream) = (self.script.pick(&[0, 1, 4, 8]), self.stream());
        let size = self.script.pick(&[4, 8, 5, 0, 9]);
        let mut payload = self.script.chunk(size).to_vec();
        payload.resize(size, 0);
        self.peer(&Frame::new(kind, flags, stream, &payload));
    }

    fn send_headers(&mut self) {
        let (Some(stream), end) = (self.live(), self.script.flag()) else { return };
        let list = requests::answer(&mut self.script);
        self.end.codec.send_headers(stream, &fields(list), end);
    }

    fn send_data(&mut self) {
        let (Some(stream), end) = (self.live(), self.script.one_in(4)) else { return };
        let size = self.script.pick(&SIZES);
        let before = self.end.codec.queued(stream);
        let sent = self.end.codec.send_data(stream, &vec![9; size], end);
        assert!(sent <= size);
        let after = self.end.codec.queued(stream);
        assert!(after == before + size - sent || (after == before && sent == size), "bytes were lost in the queue");
    }

    fn release(&mut self) {
        let Some(stream) = self.live() else { return };
        let bytes = self.script.pick(&[1, 100, 16_384, u32::MAX]);
        self.end.codec.release(stream, bytes);
        self.order.released(stream, bytes);
    }

    fn write_some(&mut self) {
        let waiting = self.end.codec.output().len();
        let some = waiting * usize::from(self.script.byte()) / 255;
        self.written.extend_from_slice(&self.end.codec.output()[..some]);
        self.end.codec.advance_output(some);
        self.read -= some;
        self.end.codec.pump();
    }

    fn reset(&mut self) {
        let Some(stream) = self.live() else { return };
        self.end.codec.reset(stream, ErrorCode::CANCEL);
    }

    fn open(&mut self) {
        let list = requests::question(&mut self.script);
        let end = self.script.one_in(4);
        let (token, capacity) = (Token(self.opened), self.end.codec.capacity());
        match self.end.codec.open(token, &fields(list), end) {
            Ok(stream) => {
                assert!(capacity > 0, "more streams than were to be had");
                self.opened += 1;
                self.order.opened(stream, token);
            }
            Err(_) => assert_eq!(capacity, 0, "a stream that was to be had was refused"),
        }
    }

    fn set_token(&mut self) {
        let (Some(stream), token) = (self.live(), Token(self.script.byte().into())) else { return };
        self.end.codec.set_token(stream, token);
        self.order.set_token(stream, token);
    }

    fn seldom(&mut self) {
        match self.script.byte() % 6 {
            0 => self.end.codec.ping(*b"12345678"),
            1 => self.end.codec.announce_shutdown(),
            2 => self.end.codec.shutdown(),
            3 => drop(self.end.codec.trim()),
            4 => self.now += Duration::from_millis(u64::from(self.script.byte()) * 20),
            _ => self.end.codec.pump(),
        }
    }

    /// The model reads what the codec has written since.
    fn read_output(&mut self) {
        let new = self.end.codec.output()[self.read..].to_vec();
        self.read += new.len();
        for frame in hand::frames(&new) {
            self.ledger.codec_wrote(&frame);
            self.order.codec_wrote(&frame);
        }
    }

    fn check(&self) {
        if self.end.failed.is_some() {
            return;
        }
        assert_eq!(self.end.codec.active_streams(), self.order.active());
        assert!(self.ledger.peers() <= 1 << 20, "more than the connection's window was given");
        for live in self.order.live() {
            let (id, queued) = (live.id.get(), self.end.codec.queued(live.id));
            let may = self.ledger.window(id) > 0 && self.ledger.connection() > 0;
            let full = self.end.codec.output().len() >= self.high_water;
            assert!(queued == 0 || !may || full, "{queued} bytes wait though both windows are open");
            // A quarter of a window may be owed; all that was neither told nor kept is given back.
            let most = live.unreleased + (1 << 18) + 65_536;
            assert!(!live.may_receive() || self.ledger.owed(id) <= most, "stream {id} leaks window");
        }
    }

    fn finish(mut self) -> Played {
        if let Some(error) = self.end.failed {
            assert_ne!(error.code, ErrorCode::INTERNAL_ERROR, "{}", error.cause);
        }
        let rest = self.end.take_output();
        self.written.extend_from_slice(&rest);
        (without_untrue(self.end.seen), self.end.failed, self.written)
    }
}

/// Known to differ by cut (`tests/known.rs`): how much of a DATA frame beyond its content-length is told before the
/// error. So of streams that end by it, no DATA is compared.
fn without_untrue(mut seen: Vec<Seen>) -> Vec<Seen> {
    let untrue: Vec<StreamId> = seen
        .iter()
        .filter_map(|event| match event {
            Seen::StreamError { stream, cause: "DATA does not agree with content-length", .. } => Some(*stream),
            _ => None,
        })
        .collect();
    seen.retain(|event| !matches!(event, Seen::Data { stream, .. } if untrue.contains(stream)));
    seen
}
