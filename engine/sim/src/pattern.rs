//! The bytes of a message: each call's own, each way and execution, so that one that is lost, doubled or crossed shows.

use std::sync::LazyLock;
use tulle_mesh::random::{Random, SplitMix64};

/// A prime, so that no two messages that differ in their key agree for long.
const PERIOD: usize = 65_521;
/// Most bytes that are compared or made at once.
pub(crate) const MOST: usize = 65_536;

static TABLE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut random = SplitMix64::new(7);
    let once: Vec<u8> = (0..PERIOD).map(|_| random.next_u64() as u8).collect();
    let twice = [&once[..], &once[..], &once[..]].concat();
    twice[..PERIOD + MOST].to_vec()
});

/// Whose bytes they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    Request { call: usize },
    Response { call: usize, execution: usize },
}

// === impl Whose ===

impl Whose {
    fn key(self) -> usize {
        match self {
            Self::Request { call } => call * 127,
            Self::Response { call, execution } => 30_011 + call * 127 + execution * 7,
        }
    }

    /// The bytes from `at` on.
    pub(crate) fn bytes(self, at: u64, length: usize) -> &'static [u8] {
        let start = ((at % PERIOD as u64) as usize + self.key()) % PERIOD;
        &TABLE[start..start + length]
    }

    /// Whether `bytes` are the ones from `at` on.
    pub(crate) fn is(self, mut at: u64, bytes: &[u8]) -> bool {
        bytes.chunks(MOST).all(|chunk| {
            let right = self.bytes(at, chunk.len()) == chunk;
            at += chunk.len() as u64;
            right
        })
    }
}
