//! What a sidecar owes to those whose calls it has taken when it stops: their answers, or that it says that it broke them
//! (design: semantics, "Drain").

use crate::facts::Fact;
use crate::fault::FaultKind;
use crate::judge::Judge;
use crate::time::Time;

// === impl Judge ===

impl Judge<'_> {
    /// A stopping sidecar has closed a connection of which so many calls had no end yet.
    pub(crate) fn cut_in_stop(&mut self, sidecar: usize, now: Time, calls: u64) {
        if calls == 0 || !self.holds_stops() {
            return;
        }
        *self.cut.entry(sidecar).or_default() += calls;
        let left = self.grace_over(sidecar).since(now);
        if !left.is_zero() {
            let words = format!("sidecar {sidecar} stops and cuts {calls} calls, {left:?} before its grace is over");
            self.violated("broken", words);
        }
    }

    /// At the end: all that a stopping sidecar cut, it has counted.
    pub(crate) fn counted_in_stop(&mut self, sidecar: usize, counted: u64) {
        let cut = self.cut.get(&sidecar).copied().unwrap_or_default();
        if cut > counted {
            let words = format!("sidecar {sidecar} cut {cut} calls when it stopped, and counts {counted}");
            self.violated("broken", words);
        }
    }

    /// Where more goes wrong than that sidecars stop, others may have ended what they carried.
    fn holds_stops(&self) -> bool {
        let stop = |kind: FaultKind| matches!(kind, FaultKind::Drain { .. });
        self.scenario.facts.has(Fact::SlowStop) && self.scenario.faults.iter().all(|fault| stop(fault.kind))
    }

    fn grace_over(&self, sidecar: usize) -> Time {
        let of_it = |kind: FaultKind| match kind {
            FaultKind::Drain { sidecar: which, grace } if which == sidecar => Some(grace),
            _ => None,
        };
        let graces = self.scenario.faults.iter().filter_map(|fault| Some(Time::START + fault.at + of_it(fault.kind)?));
        graces.min().unwrap_or(Time::START)
    }
}
