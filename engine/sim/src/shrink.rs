//! The shortest form of a scenario that still fails by the same rule: parts are taken out and made plain, as long as it
//! does.

use crate::fault::FaultKind;
use crate::run::{Options, play};
use crate::scenario::{Body, Entry, Pace, Scenario, Segments};
use std::time::Duration;

/// Runs that shrinking may take.
const MOST_RUNS: usize = 600;

/// One way to make a scenario plainer.
type Change = fn(&mut Scenario);

const PLAINER: [Change; 10] = [
    |s| s.network.segments = Segments::Whole,
    |s| s.network.far.jitter = Duration::ZERO,
    |s| s.network.local.jitter = Duration::ZERO,
    |s| s.clients.iter_mut().for_each(|c| (c.entry, c.pace, c.window) = (Entry::Plain, Pace::Eager, 65_535)),
    |s| s.servers.iter_mut().for_each(|c| (c.pace, c.window, c.max_frame) = (Pace::Eager, 65_535, 16_384)),
    |s| s.servers.iter_mut().for_each(|c| c.max_streams = 100),
    |s| s.calls.iter_mut().for_each(|c| c.replies.truncate(1)),
    |s| s.calls.iter_mut().for_each(|c| c.request = smaller(c.request)),
    |s| s.calls.iter_mut().flat_map(|c| &mut c.replies).for_each(|r| r.body = smaller(r.body)),
    |s| s.calls.iter_mut().for_each(|c| c.cancel_after = None),
];

/// What a run breaks, a panic included.
#[must_use]
pub fn rule_of(scenario: &Scenario, options: Options) -> Option<&'static str> {
    play(scenario, options).violation.map(|violation| violation.rule)
}

/// The shortest form found.
#[must_use]
pub fn shrink(scenario: &Scenario, options: Options) -> Scenario {
    let Some(rule) = rule_of(scenario, options) else { return scenario.clone() };
    let mut shrinking = Shrinking { best: scenario.clone(), rule, options, runs: 0 };
    loop {
        let before = shrinking.best.clone();
        shrinking.fewer(|s| s.calls.len(), |s, at, n| drop(s.calls.drain(at..at + n)));
        shrinking.fewer(|s| s.faults.len(), |s, at, n| drop(s.faults.drain(at..at + n)));
        shrinking.fewer(|s| s.pushes.len() - 1, |s, at, n| drop(s.pushes.drain(at + 1..at + 1 + n)));
        shrinking.plainer();
        if shrinking.best == before || shrinking.runs >= MOST_RUNS {
            return shrinking.best;
        }
    }
}

struct Shrinking {
    best: Scenario,
    rule: &'static str,
    options: Options,
    runs: usize,
}

// === impl Shrinking ===

impl Shrinking {
    /// Takes out halves, quarters and so on down to single ones, from the back.
    fn fewer(&mut self, count: fn(&Scenario) -> usize, without: fn(&mut Scenario, usize, usize)) {
        let mut size = count(&self.best).div_ceil(2);
        while size > 0 {
            let mut at = count(&self.best);
            while at >= size {
                at -= size;
                self.try_it(|s| without(s, at, size));
                at = at.min(count(&self.best));
            }
            size /= 2;
        }
    }

    fn plainer(&mut self) {
        for change in PLAINER {
            self.try_it(change);
        }
        for at in 0..self.best.faults.len() {
            self.try_it(|s| halve(&mut s.faults[at].kind));
        }
    }

    fn try_it(&mut self, change: impl Fn(&mut Scenario)) {
        let mut plainer = self.best.clone();
        change(&mut plainer);
        if plainer == self.best || self.runs >= MOST_RUNS {
            return;
        }
        self.runs += 1;
        if rule_of(&plainer, self.options) == Some(self.rule) {
            self.best = plainer;
        }
    }
}

fn smaller(body: Body) -> Body {
    Body { pieces: body.pieces.min(1), bytes: body.bytes.min(10), gap: Duration::ZERO }
}

fn halve(kind: &mut FaultKind) {
    if let FaultKind::Partition { lasts, .. } | FaultKind::Slow { lasts, .. } | FaultKind::Crash { lasts, .. } = kind {
        *lasts /= 2;
    }
}
