//! A cancel reaches the application soon: it works no longer for those who have gone.

use crate::facts::Fact;
use crate::judge::{End, Judge, Own};
use crate::scenario::Kind;
use crate::time::Time;
use std::time::Duration;

/// Besides what the network takes.
const SOON: Duration = Duration::from_millis(50);
/// Calls above this may delay a reset that waits behind them.
const SMALL: u64 = 20_000;

// === impl Judge ===

impl Judge<'_> {
    /// A server works at a call, or hears of its end.
    pub(crate) fn works_at(&mut self, call: usize, now: Time) {
        let Some((at, End::Own(Own::Cancelled))) = self.records[call].end else { return };
        let late = now.since(at);
        if late > self.soon() && self.holds_cancels() {
            let (id, kind): (usize, Kind) = (self.plan(call).id, self.plan(call).kind);
            let words = format!("call {id}, {kind:?}, was cancelled {late:?} ago, and its server did not know");
            self.violated("cancel", words);
        }
    }

    fn soon(&self) -> Duration {
        let network = self.scenario.network;
        let once = network.far.latency + network.far.jitter + network.local.latency + network.local.jitter;
        SOON + once * 8 + self.scenario.turn * 2
    }

    /// Where nothing goes wrong and nothing large is on the way.
    fn holds_cancels(&self) -> bool {
        let small =
            self.scenario.calls.iter().all(|call| {
                call.request.total() < SMALL && call.replies.iter().all(|reply| reply.body.total() < SMALL)
            });
        self.scenario.facts.has(Fact::Cancels) && self.scenario.faults.is_empty() && small
    }

    /// Whether a call's client cancels so much that a server may hold it against it.
    pub(crate) fn is_of_canceller(&self, call: usize) -> bool {
        let client = self.plan(call).client;
        let cancels = self.scenario.calls.iter().any(|other| other.client == client && other.cancel_after.is_some());
        cancels && self.scenario.servers.iter().any(|server| server.habits.most_resets.is_some())
    }
}
