//! So many events a second of each kind and reason; the rest is counted.

use crate::proto::EventKind;
use std::collections::BTreeMap;

/// Events of one kind and reason that are told within a second: enough to see what happens, and no flood.
const MOST_A_SECOND: u32 = 10;
const SECOND: u64 = 1_000_000_000;

/// What was told lately and what was left out. Reasons are words of the program, so their number is bounded by its text.
#[derive(Debug, Default)]
pub(super) struct Pace(Vec<Window>);

/// A second that begins with the first event in it.
#[derive(Debug)]
struct Window {
    kind: EventKind,
    reason: &'static str,
    since_unix_nano: u64,
    told: u32,
    left_out: u64,
}

// === impl Pace ===

impl Pace {
    /// Whether one more may be told at this time; else it is counted.
    pub(super) fn admits(&mut self, kind: EventKind, reason: &'static str, at_unix_nano: u64) -> bool {
        let window = self.window(kind, reason, at_unix_nano);
        if at_unix_nano.saturating_sub(window.since_unix_nano) >= SECOND {
            (window.since_unix_nano, window.told) = (at_unix_nano, 0);
        }
        if window.told >= MOST_A_SECOND {
            window.left_out += 1;
            return false;
        }
        window.told += 1;
        true
    }

    /// Counts events that are not told.
    pub(super) fn leave_out(&mut self, kind: EventKind, reason: &'static str, count: u64) {
        self.window(kind, reason, 0).left_out += count;
    }

    /// Takes over all that another left out.
    pub(super) fn absorb(&mut self, other: &mut Self) {
        for window in other.0.iter_mut().filter(|window| window.left_out > 0) {
            self.leave_out(window.kind, window.reason, std::mem::take(&mut window.left_out));
        }
    }

    /// What was left out since the last time, by reason.
    pub(super) fn take_left_out(&mut self) -> BTreeMap<&'static str, u64> {
        let mut counts = BTreeMap::new();
        for window in self.0.iter_mut().filter(|window| window.left_out > 0) {
            *counts.entry(window.reason).or_default() += std::mem::take(&mut window.left_out);
        }
        counts
    }

    fn window(&mut self, kind: EventKind, reason: &'static str, at_unix_nano: u64) -> &mut Window {
        // A few dozen at most, and no call that ends well comes here: a walk is as quick as a hash.
        let found = self.0.iter().position(|window| window.kind == kind && window.reason == reason);
        let place = found.unwrap_or(self.0.len());
        if found.is_none() {
            self.0.push(Window { kind, reason, since_unix_nano: at_unix_nano, told: 0, left_out: 0 });
        }
        &mut self.0[place]
    }
}
