//! What a caller says, by a script's choice: requests with heads of all kinds, in frames of all kinds.

use std::collections::BTreeSet;

use crate::hand::{self, END_STREAM, Frame, PREFACE, RST_STREAM};
use crate::requests;
use crate::script::Script;

const MOST_STEPS: usize = 60;
const MOST_CALLS: u32 = 25;
const PATHS: [&[u8]; 6] = [b"/t.Echo/Unary", b"/", b"/t.Echo/A%2fB?x=1", b"/../x", b"*", b"t.Echo/Bare"];
const AUTHORITIES: [&[u8]; 5] = [b"echo.shop", b"echo", b"ECHO.shop:80", b"nobody", b""];
const METHODS: [&[u8]; 4] = [b"POST", b"GET", b"HEAD", b"OPTIONS"];
const NAMES: [&[u8]; 15] = [
    b"x-a",
    b"x-b",
    b"x-bin",
    b"cookie",
    b"te",
    b"grpc-timeout",
    b"content-length",
    b"host",
    b"connection",
    b"Upper",
    b"content-type",
    b"transfer-encoding",
    b":extra",
    b"x-a",
    b"traceparent",
];
const VALUES: [&[u8]; 12] = [
    b"1",
    b"",
    b"trailers",
    b"a=b",
    b"10S",
    b"5",
    b"0",
    b"echo.shop",
    b"\xff\x80",
    b"a\rb",
    b" x ",
    b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
];

/// All of a caller's bytes, in the pieces in which they come, and what it did to its own calls.
#[derive(Debug, Default)]
pub(crate) struct Talk {
    pub(crate) pieces: Vec<Vec<u8>>,
    /// Streams that the caller reset itself, or on which it broke HTTP/2 knowingly.
    pub(crate) spoilt: BTreeSet<u32>,
}

// === impl Talk ===

impl Talk {
    /// Frames after the end make an error of a call that may have been answered by then, or not.
    fn note_spoilt(&mut self, frames: &[Frame], ended: &mut BTreeSet<u32>) {
        for frame in frames.iter().filter(|frame| matches!(frame.kind, hand::DATA | hand::HEADERS)) {
            if ended.contains(&frame.stream) {
                self.spoilt.insert(frame.stream);
            }
            if frame.has(END_STREAM) {
                ended.insert(frame.stream);
            }
        }
    }
}

/// The name by which a call is known on both ways.
pub(crate) const CALL: &[u8] = b"x-call";

/// What is said first on both ways, so that every connection is made: one whole call.
pub(crate) fn greeting() -> Vec<u8> {
    let head = hand::block(&head_of(1, b"/t.Echo/Warm", b"echo.shop", b"POST"));
    let call = Frame::new(hand::HEADERS, hand::END_HEADERS | END_STREAM, 1, &head);
    [PREFACE, &hand::settings(&[]).bytes(), &call.bytes()].concat()
}

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

pub(crate) fn talk(script: &mut Script<'_>) -> Talk {
    let mut talk = Talk::default();
    let (mut next, mut ended) = (3, BTreeSet::new());
    for _ in 0..MOST_STEPS {
        if script.is_over() {
            break;
        }
        let stream = 3 + 2 * (u32::from(script.byte()) % ((next - 1) / 2).max(1));
        let frames = match script.byte() % 10 {
            0..=3 if next < 2 * MOST_CALLS => {
                next += 2;
                request(script, next - 2)
            }
            4..=6 => {
                let payload = script.chunk(200);
                vec![requests::data(script, stream, payload)]
            }
            7 => vec![Frame::new(hand::HEADERS, hand::END_HEADERS | END_STREAM, stream, &trailers(script))],
            8 => {
                talk.spoilt.insert(stream);
                vec![Frame::new(RST_STREAM, 0, stream, &8u32.to_be_bytes())]
            }
            _ => vec![other(script, stream)],
        };
        talk.note_spoilt(&frames, &mut ended);
        talk.pieces.push(frames.iter().flat_map(Frame::bytes).collect());
    }
    talk
}

fn request(script: &mut Script<'_>, stream: u32) -> Vec<Frame> {
    let mut list = head_of(stream, script.pick(&PATHS), script.pick(&AUTHORITIES), script.pick(&METHODS));
    if script.one_in(8) {
        // Without one, or out of order.
        let at = usize::from(script.byte()) % list.len();
        let one = list.remove(at);
        if script.flag() {
            list.push(one);
        }
    }
    for _ in 0..script.byte() % 5 {
        list.push((script.pick(&NAMES).to_vec(), script.pick(&VALUES).to_vec()));
    }
    let mut block = hand::block(&list);
    if script.one_in(4) {
        block[0] = script.pick(&[0x40, 0x10]);
    }
    requests::frames_of_block(script, stream, &block)
}

fn head_of(stream: u32, path: &[u8], authority: &[u8], method: &[u8]) -> Pairs {
    let number = stream.to_string();
    let list: [(&[u8], &[u8]); 5] = [
        (b":method", method),
        (b":scheme", b"http"),
        (b":path", path),
        (b":authority", authority),
        (CALL, number.as_bytes()),
    ];
    list.iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect()
}

fn trailers(script: &mut Script<'_>) -> Vec<u8> {
    let list: Pairs = vec![(script.pick(&NAMES).to_vec(), script.pick(&VALUES).to_vec())];
    hand::block(&list)
}

fn other(script: &mut Script<'_>, stream: u32) -> Frame {
    match script.byte() % 6 {
        0 => Frame::new(hand::PING, 0, 0, b"12345678"),
        1 => Frame::new(2, 0, stream, &[0, 0, 0, 0, 16]),
        2 => Frame::new(hand::WINDOW_UPDATE, 0, stream, &1_000u32.to_be_bytes()),
        3 => Frame::new(hand::WINDOW_UPDATE, 0, 0, &1_000u32.to_be_bytes()),
        4 => Frame::new(0xfa, 0, stream, script.chunk(20)),
        _ => hand::settings(&[(1, script.pick(&[0, 100, 4_096])), (2, 0)]),
    }
}
