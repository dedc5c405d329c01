//! The same bytes to another stack at once and through two sidecars: the same calls, or a refusal that says so.
//!
//! What may differ: a call that a sidecar refuses is answered by it (`tulle-reason`, or a reset) and not passed on; each
//! hop has its own `traceparent` and `grpc-timeout`; a call that the caller itself spoilt may come to different ends.

use std::collections::BTreeMap;

use crate::hand::{self, CONTINUATION, DATA, END_STREAM, GOAWAY, HEADERS, RST_STREAM};
use crate::mesh::Mesh;
use crate::script::Script;
use crate::seen::List;
use crate::stack::{Call, Stack};
use crate::talk::{self, CALL, Talk};

/// Names whose values are a hop's own.
const OWN: [&[u8]; 3] = [b"traceparent", b"grpc-timeout", b"grpc-previous-rpc-attempts"];

/// What a caller was told.
#[derive(Debug, Default)]
struct Told {
    replies: BTreeMap<u32, Reply>,
    /// The connection was ended by an error.
    broken: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Reply {
    heads: List,
    bytes: usize,
    ended: bool,
    reset: bool,
}

/// A script of a caller, see `talk`.
pub fn run(data: &[u8]) {
    let talk = talk::talk(&mut Script::new(data));
    let (direct, direct_told) = directly(&talk);
    let (meshed, mesh_told) = through_the_pair(&talk);
    for (stream, call) in &meshed {
        assert!(direct.contains_key(stream) || direct_told.broken, "a call out of nothing: {call:?}");
    }
    for (stream, call) in &direct {
        if !call.whole || talk.spoilt.contains(stream) || mesh_told.broken || direct_told.broken {
            continue;
        }
        compare(*stream, call, meshed.get(stream), &direct_told, &mesh_told);
    }
}

/// The script's frames, and what came of them on both ways: for a person who looks at a finding.
#[must_use]
pub fn explain(data: &[u8]) -> String {
    let talk = talk::talk(&mut Script::new(data));
    let mut text = String::new();
    for piece in &talk.pieces {
        for frame in hand::frames(piece) {
            let payload = frame.payload.escape_ascii();
            text += &format!("kind {} flags {} stream {}: {payload}\n", frame.kind, frame.flags, frame.stream);
        }
    }
    let (direct, through) = (directly(&talk), through_the_pair(&talk));
    text += &format!("spoilt {:?}\ndirectly {direct:#?}\nthrough the pair {through:#?}", talk.spoilt);
    text
}

fn compare(stream: u32, direct: &Call, meshed: Option<&Call>, direct_told: &Told, mesh_told: &Told) {
    let nothing = Reply::default();
    let reply = mesh_told.replies.get(&stream).unwrap_or(&nothing);
    if reply.is_refusal() {
        assert!(!meshed.is_some_and(|call| call.whole), "refused, and passed on: {direct:?}");
        return;
    }
    let Some(meshed) = meshed else { panic!("stream {stream} never came, and nobody was told: {direct:?}, {reply:?}") };
    assert_eq!(normal(direct), normal(meshed), "stream {stream}");
    assert_eq!(direct_told.replies.get(&stream), Some(reply), "stream {stream} was answered differently");
}

fn directly(talk: &Talk) -> (BTreeMap<u32, Call>, Told) {
    let mut stack = Stack::new();
    let mut told = Vec::new();
    stack.feed(&talk::greeting());
    told.extend(stack.run());
    for piece in &talk.pieces {
        stack.feed(piece);
        told.extend(stack.run());
    }
    let mut read = read(&told);
    read.broken |= stack.failed;
    (by_stream(vec![stack]), read)
}

fn through_the_pair(talk: &Talk) -> (BTreeMap<u32, Call>, Told) {
    let mut mesh = Mesh::new();
    mesh.feed(&talk::greeting());
    for piece in &talk.pieces {
        mesh.feed(piece);
    }
    let mut read = read(&mesh.told);
    read.broken |= mesh.caller_closed;
    let (front, back) = mesh.calls_in_flight();
    assert!(front >= back, "the back holds {back} calls of {front}");
    (by_stream(mesh.into_stacks()), read)
}

/// Calls that say which they are, by their stream.
fn by_stream(stacks: Vec<Stack>) -> BTreeMap<u32, Call> {
    let mut calls = BTreeMap::new();
    for call in stacks.into_iter().flat_map(|stack| stack.calls) {
        let number = call.fields.iter().find(|(name, _)| name == CALL).map(|(_, value)| value.clone());
        if let Some(stream) = number.and_then(|text| String::from_utf8(text).ok()?.parse().ok()) {
            let before: Option<Call> = calls.insert(stream, call);
            assert!(before.is_none_or(|call| call.broken), "stream {stream} came twice");
        }
    }
    calls
}

fn normal(call: &Call) -> Call {
    let mut call = call.clone();
    call.fields.retain(|(name, _)| !OWN.contains(&&name[..]));
    call
}

fn read(told: &[u8]) -> Told {
    let mut decoder = loona_hpack::Decoder::new();
    let (mut read, mut block) = (Told::default(), Vec::new());
    for frame in hand::frames(told) {
        let reply = read.replies.entry(frame.stream).or_default();
        reply.ended |= matches!(frame.kind, DATA | HEADERS) && frame.has(END_STREAM);
        match frame.kind {
            DATA => reply.bytes += frame.payload.len(),
            RST_STREAM => reply.reset |= frame.number() != Some(0),
            GOAWAY => read.broken |= frame.payload[4..8] != [0; 4],
            HEADERS | CONTINUATION => {
                block.extend_from_slice(&frame.payload);
                if frame.has(hand::END_HEADERS) {
                    reply.heads.extend(decoder.decode(&block).expect("good HPACK"));
                    block.clear();
                }
            }
            _ => {}
        }
    }
    read.replies.remove(&0);
    read
}

// === impl Reply ===

impl Reply {
    /// A sidecar's own word instead of the application's.
    fn is_refusal(&self) -> bool {
        self.reset || self.heads.iter().any(|(name, _)| name == b"tulle-reason")
    }
}
