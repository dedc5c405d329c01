//! What happened, as one number that two runs of a seed must agree on, and as lines where somebody reads them.

use crate::time::Time;

const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;
/// Lines kept; the last ones matter.
const MOST_LINES: usize = 4_000;

/// The account of a run.
#[derive(Debug, Default)]
pub struct Trace {
    hash: u64,
    steps: u64,
    recording: bool,
    lines: Vec<String>,
}

// === impl Trace ===

impl Trace {
    pub(crate) fn new(recording: bool) -> Self {
        Self { recording, ..Self::default() }
    }

    /// One thing that happened, by name and numbers; `line` is made only where it is kept.
    pub(crate) fn note(&mut self, now: Time, what: &str, numbers: &[u64], line: impl FnOnce() -> String) {
        self.fold(now.micros());
        self.bytes(what.as_bytes());
        for number in numbers {
            self.fold(*number);
        }
        if self.recording && self.lines.len() < MOST_LINES {
            self.lines.push(format!("{now} {what} {}", line()));
        }
    }

    pub(crate) fn step(&mut self) {
        self.steps += 1;
    }

    /// Bytes that went from one to another.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.fold(u64::from_le_bytes(*word));
        }
        for byte in rest {
            self.fold(u64::from(*byte));
        }
        self.fold(bytes.len() as u64);
    }

    fn fold(&mut self, word: u64) {
        self.hash = (self.hash ^ word).wrapping_mul(MULTIPLIER).rotate_left(29);
    }

    /// Equal for two runs in which the same bytes went the same ways at the same times.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// Steps so far.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The lines, where they were kept.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.lines
    }
}
