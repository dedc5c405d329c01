//! A peer's own HTTP/2: the codec, with SETTINGS and windows written by hand so that they can do what a codec would not.

use crate::frames;
use crate::pings::Pings;
use crate::scenario::Pace;
use std::collections::BTreeMap;
use tulle_http2::{Config, Connection, ErrorCode, Role, StreamId};

const HUGE: u32 = i32::MAX as u32;

/// What a peer says of itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manners {
    pub(crate) window: u32,
    pub(crate) max_streams: u32,
    pub(crate) max_frame: u32,
    pub(crate) pace: Pace,
    /// Pings for bandwidth estimates.
    pub(crate) estimates: bool,
}

/// One end of a connection.
pub(crate) struct Stack {
    pub(crate) codec: Connection,
    role: Role,
    manners: Manners,
    /// What goes out next, whole frames first of all.
    out: Vec<u8>,
    started: bool,
    /// By stream: bytes that came and whose window was not given back.
    taken: BTreeMap<u32, u32>,
    /// By stream: bytes that an eager reader gives back with the next update.
    owed: BTreeMap<u32, u32>,
    /// A PING for a bandwidth estimate is under way.
    estimating: bool,
    /// A server's count of its client's PINGs.
    pub(crate) pings: Option<Pings>,
    /// A server's last stream that it has begun to work on.
    pub(crate) highest: u32,
}

/// An eager reader's update is worth its frame: real stacks send none for every read of a hundred bytes.
const WORTH: u32 = 1_024;
/// grpc-go's (`bdp_estimator.go`).
const ESTIMATE: [u8; 8] = [2, 4, 16, 16, 9, 14, 7, 7];

// === impl Stack ===

impl Stack {
    pub(crate) fn new(role: Role, manners: Manners, first: &[u8]) -> Self {
        let config = Config {
            max_concurrent_streams: manners.max_streams,
            stream_window: HUGE,
            max_frame_size: manners.max_frame,
            output_high_water: usize::MAX,
            ..Config::new(role)
        };
        let mut config = config;
        if manners.estimates {
            // The codec counts the answers to its own PINGs like any PING; real peers do not.
            config.peer_limits.control_frames = u32::MAX;
        }
        let codec = Connection::new(config);
        Self {
            codec,
            role,
            manners,
            out: first.to_vec(),
            started: false,
            taken: BTreeMap::new(),
            owed: BTreeMap::new(),
            estimating: false,
            pings: None,
            highest: 0,
        }
    }

    /// What is to be written.
    pub(crate) fn output(&mut self) -> &[u8] {
        let made = self.codec.output();
        if !made.is_empty() {
            let length = made.len();
            if self.started {
                self.out.extend_from_slice(made);
            } else {
                self.started = true;
                self.out.extend(with_settings(made, self.role, &self.manners));
            }
            self.codec.advance_output(length);
            self.codec.pump();
            return self.output();
        }
        &self.out
    }

    pub(crate) fn wrote(&mut self, length: usize) {
        if let Some(pings) = &mut self.pings {
            pings.said(&self.out[..length]);
        }
        self.out.drain(..length);
    }

    /// Says what the other end does too often; the connection is to be closed.
    pub(crate) fn complain(&mut self, words: &[u8]) {
        let _ = self.output();
        let payload = [&self.highest.to_be_bytes()[..], &ErrorCode::ENHANCE_YOUR_CALM.0.to_be_bytes(), words].concat();
        self.out.extend(frames::bytes_of(frames::GOAWAY, 0, 0, &payload));
    }

    /// A PING of this end's is answered.
    pub(crate) fn pong(&mut self, payload: [u8; 8]) {
        self.estimating &= payload != ESTIMATE;
    }

    /// Bytes of a stream came; gives window back if that is its way.
    pub(crate) fn took(&mut self, stream: StreamId, bytes: u32, ended: bool) {
        if self.manners.estimates && bytes > 0 && !std::mem::replace(&mut self.estimating, true) {
            self.codec.ping(ESTIMATE);
        }
        if ended {
            self.forget(stream);
            return;
        }
        if bytes == 0 {
            return;
        }
        match self.manners.pace {
            Pace::Eager => self.owe(stream.get(), bytes),
            Pace::Slow { .. } => *self.taken.entry(stream.get()).or_default() += bytes,
        }
    }

    /// A slow reader takes some of each stream; true where more is left.
    pub(crate) fn read_on(&mut self) -> bool {
        let Pace::Slow { bytes, .. } = self.manners.pace else { return false };
        let some: Vec<(u32, u32)> = self.taken.iter().map(|(stream, left)| (*stream, bytes.min(*left))).collect();
        for (stream, by) in some {
            self.update(stream, by);
            *self.taken.entry(stream).or_default() -= by;
        }
        self.taken.retain(|_, left| *left > 0);
        !self.taken.is_empty()
    }

    pub(crate) fn forget(&mut self, stream: StreamId) {
        self.taken.remove(&stream.get());
        self.owed.remove(&stream.get());
    }

    pub(crate) fn owes(&self) -> bool {
        !self.taken.is_empty()
    }

    /// SETTINGS in the middle of it all: every open stream's window shifts, also below zero.
    pub(crate) fn resettle(&mut self, window: u32, max_streams: u32) {
        let _ = self.output();
        self.manners.window = window;
        self.out.extend(frames::settings(&[(3, max_streams), (4, window)]));
        // What is owed may be all that a smaller window leaves.
        for (stream, by) in std::mem::take(&mut self.owed) {
            self.update(stream, by);
        }
    }

    /// Half a window at the latest: a sender that is stopped by it has been given that.
    fn owe(&mut self, stream: u32, flow: u32) {
        let owed = self.owed.entry(stream).or_default();
        *owed += flow;
        if *owed >= WORTH.min(self.manners.window / 2) {
            let by = self.owed.remove(&stream).unwrap_or_default();
            self.update(stream, by);
        }
    }

    fn update(&mut self, stream: u32, by: u32) {
        let _ = self.output();
        self.out.extend(frames::bytes_of(frames::WINDOW_UPDATE, 0, stream, &by.to_be_bytes()));
    }
}

/// The codec's first bytes with our own SETTINGS for its.
fn with_settings(made: &[u8], role: Role, manners: &Manners) -> Vec<u8> {
    let preface: &[u8] = if role == Role::Client { frames::PREFACE } else { b"" };
    let rest = &made[preface.len()..];
    let length = 9 + u32::from_be_bytes([0, rest[0], rest[1], rest[2]]) as usize;
    let own = match role {
        Role::Client => frames::settings(&[(2, 0), (4, manners.window)]),
        Role::Server => frames::settings(&[(3, manners.max_streams), (4, manners.window), (5, manners.max_frame)]),
    };
    [preface, &own, &rest[length..]].concat()
}
