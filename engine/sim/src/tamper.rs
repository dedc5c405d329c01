//! Faults planted in the mesh itself, to see that the invariants find them: a judge that never objects is none.

use crate::frames;
use crate::passage::Actor;
use crate::time::Time;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What is done to the mesh. `Nothing` is every run's but those of the tests that plant faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// The mesh as it is.
    Nothing,
    /// A piece of what the callers' sidecar says to a caller is said twice.
    PieceTwice,
    /// The end of a reply is written twice, as a whole frame.
    AnswerTwice,
    /// A piece of what the callers' sidecar says to a caller is never said.
    PieceLost,
    /// The end of a reply is never written.
    AnswerLost,
    /// Two callers' bytes are swapped.
    Crossed,
    /// The callers' sidecar's clock is late.
    LateClock,
    /// A sidecar believes that a server gives more window than it does.
    WindowCheat,
    /// The callers' sidecar takes a reset for a refusal, and tries again what was executed.
    UnsafeRetry,
    /// A sidecar is not told that its connections have closed.
    DeafToClosing,
    /// A sidecar acknowledges a bad snapshot.
    TakesBadSnapshot,
    /// A sidecar acknowledges a new snapshot and goes on with its first one.
    KeepsOldSnapshot,
    /// The callers' sidecar believes a server's that it is whom it is asked for.
    BelievesServers,
    /// The servers' sidecars take their caller for somebody else.
    MistakesCallers,
    /// A sidecar pings applications as if they were sidecars.
    PingsApplications,
    /// A sidecar does not hear that an application takes no more calls.
    DeafToGoodbyes,
    /// A sidecar takes a complete answer back when the stream is reset behind it.
    ForgetsAnswers,
    /// A sidecar ends the connection of a client that pings.
    HatesPings,
    /// A sidecar closes sockets a turn later than it is told to.
    ClosesLate,
    /// Sidecars read nothing more of each other after a while.
    ReadsNothing,
    /// A sidecar that is told to drain is gone at once.
    CutsStops,
    /// A sidecar keeps the resets of calls that were given up to itself.
    KeepsResets,
    /// A sidecar passes an application's claim on as its own.
    BelievesClaims,
    /// A sidecar holds against a server what waited for it while it paused.
    HatesPauses,
    /// A sidecar gives an application up that says nothing for five seconds.
    Impatient,
    /// The callers' sidecar panics.
    Panics,
    /// Sidecars behave otherwise in each run of a seed.
    Unrepeatable,
}

/// Tampers as it is told to.
#[derive(Debug)]
pub(crate) struct Tamper {
    pub(crate) mutation: Mutation,
    count: u64,
}

/// After how many pieces a fault that strikes once does.
const PATIENCE: u64 = 5;

// === impl Tamper ===

impl Tamper {
    pub(crate) fn new(mutation: Mutation) -> Self {
        Self { mutation, count: 0 }
    }

    /// Mostly nothing; how far a worker's clock is behind.
    pub(crate) fn clock_behind(&self, of: usize) -> Duration {
        let late = self.mutation == Mutation::LateClock && of == 0;
        if late { Duration::from_millis(40) } else { Duration::ZERO }
    }

    /// Mostly nothing; what a worker's randomness depends on besides its seed.
    pub(crate) fn noise(&self) -> u64 {
        static RUNS: AtomicU64 = AtomicU64::new(1);
        if self.mutation == Mutation::Unrepeatable { RUNS.fetch_add(1, Ordering::Relaxed) } else { 0 }
    }

    /// Mostly nothing.
    pub(crate) fn turns(&mut self, of: usize) {
        let falls = self.mutation == Mutation::Panics && of == 0 && self.strikes();
        assert!(!falls, "planted");
    }

    /// Mostly not; whether a sidecar gives up a connection to `to` that nothing has passed for so long.
    pub(crate) fn is_impatient(&self, to: Actor, silence: Duration) -> bool {
        self.mutation == Mutation::Impatient && matches!(to, Actor::Server(_)) && silence > Duration::from_secs(5)
    }

    /// Mostly not; whether a sidecar reads nothing that `from` says.
    pub(crate) fn is_deaf(&self, from: Actor, now: Time) -> bool {
        let late = now > Time::START + Duration::from_secs(5);
        self.mutation == Mutation::ReadsNothing && matches!(from, Actor::Sidecar(_)) && late
    }

    /// What a sidecar wrote to `to`.
    pub(crate) fn written(&mut self, to: Actor, bytes: &[u8]) -> Vec<u8> {
        let to_client = matches!(to, Actor::Client(_));
        let mutation = self.mutation;
        match mutation {
            Mutation::AnswerTwice if to_client => twice_the_end(bytes),
            Mutation::AnswerLost if to_client && has_end(bytes) && self.strikes() => Vec::new(),
            Mutation::PieceTwice if to_client && self.strikes() => [bytes, bytes].concat(),
            Mutation::PieceLost if to_client && self.strikes() => Vec::new(),
            Mutation::Crossed if to_client => crossed(bytes),
            Mutation::HatesPings if to_client => with_anger(bytes),
            Mutation::HatesPauses if matches!(to, Actor::Server(_)) => with_anger_after(bytes, 50),
            Mutation::BelievesClaims if to_client => with_claims(bytes),
            Mutation::KeepsResets if matches!(to, Actor::Server(_)) => {
                without(bytes, |frame, _| frame[3] == frames::RST_STREAM).unwrap_or_else(|| bytes.to_vec())
            }
            Mutation::PingsApplications if matches!(to, Actor::Server(_)) => with_pings(bytes),
            _ => bytes.to_vec(),
        }
    }

    /// What a sidecar is to read.
    pub(crate) fn heard(&self, by: usize, from: Actor, bytes: &[u8]) -> Option<Vec<u8>> {
        match (self.mutation, from) {
            (Mutation::WindowCheat, Actor::Server(_)) => rewritten(bytes, |frame| {
                if frame[3] == frames::SETTINGS {
                    widen(frame)
                }
            }),
            (Mutation::UnsafeRetry, Actor::Server(_) | Actor::Sidecar(_)) if by == 0 => rewritten(bytes, |frame| {
                if frame[3] == frames::RST_STREAM {
                    frame[12] = 7
                }
            }),
            (Mutation::DeafToGoodbyes, Actor::Server(_)) => without(bytes, |frame, _| frame[3] == frames::GOAWAY),
            (Mutation::ForgetsAnswers, Actor::Server(_)) => without(bytes, |frame, next| {
                ends(frame) && next.is_some_and(|next| next[3] == frames::RST_STREAM && next[5..9] == frame[5..9])
            }),
            _ => None,
        }
    }

    fn strikes(&mut self) -> bool {
        self.count += 1;
        self.count == PATIENCE
    }
}

/// Splits into whole frames; `None` where the bytes are not whole.
fn each_frame(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (mut rest, mut all) = (bytes, Vec::new());
    while !rest.is_empty() {
        let head = rest.get(..9)?;
        let length = 9 + u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        all.push(rest.get(..length)?.to_vec());
        rest = &rest[length..];
    }
    Some(all)
}

fn rewritten(bytes: &[u8], change: impl Fn(&mut Vec<u8>)) -> Option<Vec<u8>> {
    let mut all = each_frame(bytes)?;
    all.iter_mut().for_each(change);
    Some(all.concat())
}

/// Every SETTINGS_INITIAL_WINDOW_SIZE becomes a mebibyte.
fn widen(frame: &mut [u8]) {
    for entry in frame[9..].as_chunks_mut::<6>().0 {
        if entry[1] == 4 {
            entry[2..].copy_from_slice(&(1u32 << 20).to_be_bytes());
        }
    }
}

fn ends(frame: &[u8]) -> bool {
    frame[3] == frames::HEADERS && frame[4] & frames::END_STREAM != 0
}

fn has_end(bytes: &[u8]) -> bool {
    each_frame(bytes).is_some_and(|all| all.iter().any(|frame| ends(frame)))
}

fn twice_the_end(bytes: &[u8]) -> Vec<u8> {
    let Some(all) = each_frame(bytes) else { return bytes.to_vec() };
    let again = |frame: Vec<u8>| if ends(&frame) { [frame.clone(), frame].concat() } else { frame };
    all.into_iter().map(again).collect::<Vec<_>>().concat()
}

/// Two frames of DATA of different streams change places, but for their heads.
fn crossed(bytes: &[u8]) -> Vec<u8> {
    let Some(mut all) = each_frame(bytes) else { return bytes.to_vec() };
    let data: Vec<usize> = (0..all.len()).filter(|at| all[*at][3] == frames::DATA && all[*at].len() > 20).collect();
    for pair in data.windows(2) {
        let (one, other) = (all[pair[0]].clone(), all[pair[1]].clone());
        if one[5..9] != other[5..9] && one.len() == other.len() {
            all[pair[0]][9..].copy_from_slice(&other[9..]);
            all[pair[1]][9..].copy_from_slice(&one[9..]);
        }
    }
    all.concat()
}

/// Whole frames, and PINGs behind them.
fn with_pings(bytes: &[u8]) -> Vec<u8> {
    let ping = frames::bytes_of(frames::PING, 0, 0, b"tulle-ka");
    match each_frame(bytes) {
        Some(_) => [bytes, &ping.repeat(4)].concat(),
        None => bytes.to_vec(),
    }
}

/// Whole frames without some; `which` is told the next one as well.
fn without(bytes: &[u8], which: impl Fn(&[u8], Option<&Vec<u8>>) -> bool) -> Option<Vec<u8>> {
    let all = each_frame(bytes)?;
    let kept = (0..all.len()).filter(|at| !which(&all[*at], all.get(at + 1)));
    Some(kept.flat_map(|at| all[at].clone()).collect())
}

/// GOAWAY with ENHANCE_YOUR_CALM.
const ANGER: [u8; 17] = [0, 0, 8, frames::GOAWAY, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11];

/// It stands behind the answer to a PING.
fn with_anger(bytes: &[u8]) -> Vec<u8> {
    let Some(all) = each_frame(bytes) else { return bytes.to_vec() };
    let has_pong = all.iter().any(|frame| frame[3] == frames::PING && frame[4] & frames::ACK != 0);
    if has_pong { [bytes, &ANGER].concat() } else { bytes.to_vec() }
}

/// It stands behind so many heads written at once.
fn with_anger_after(bytes: &[u8], heads: usize) -> Vec<u8> {
    let Some(all) = each_frame(bytes) else { return bytes.to_vec() };
    let written = all.iter().filter(|frame| frame[3] == frames::HEADERS).count();
    if written >= heads { [bytes, &ANGER].concat() } else { bytes.to_vec() }
}

/// Each answer's end with one more field: a literal that enters no table (RFC 7541, section 6.2.2).
fn with_claims(bytes: &[u8]) -> Vec<u8> {
    let (name, value) = (b"tulle-reason", b"draining");
    let field = [&[0, name.len() as u8][..], name, &[value.len() as u8], value].concat();
    let claims = |frame: &mut Vec<u8>| {
        if ends(frame) {
            frame.extend_from_slice(&field);
            let length = (frame.len() as u32 - 9).to_be_bytes();
            frame[..3].copy_from_slice(&length[1..]);
        }
    };
    rewritten(bytes, claims).unwrap_or_else(|| bytes.to_vec())
}
