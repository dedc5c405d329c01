//! What must be gone at the end: calls, their streams, what they held of limits, connections, timers.

use crate::run::Run;
use tulle_mesh::resilience::breaker::Limit;
use tulle_mesh::telemetry::CounterName;

// === impl Run ===

impl Run<'_> {
    /// Every call has ended for its caller, and no sidecar holds one.
    pub(crate) fn check_calls_gone(&mut self) {
        let judge = &mut self.world.judge;
        let open: Vec<usize> = (0..judge.records.len()).filter(|call| !judge.is_over(*call)).collect();
        if let Some(call) = open.first() {
            let words = format!("call {} never ended: {:?}", judge.plan(*call).id, judge.records[*call]);
            judge.violated("lost", words);
        }
        for sidecar in &self.sidecars {
            let calls = sidecar.worker.calls_in_flight();
            if calls > 0 {
                judge.violated("leak", format!("sidecar {} still holds {calls} calls", sidecar.index));
            }
        }
    }

    /// Nothing is left of anything.
    pub(crate) fn check_all_gone(&mut self) {
        if self.world.judge.violation.is_some() {
            return;
        }
        for at in 0..self.sidecars.len() {
            if let Some(words) = self.left_at(at) {
                self.world.judge.violated("leak", format!("sidecar {at}: {words}"));
            }
        }
        self.check_stops();
        self.check_snapshots();
    }

    fn check_stops(&mut self) {
        for sidecar in self.sidecars.iter().filter(|sidecar| sidecar.is_draining) {
            let broken =
                sidecar.worker.telemetry.counters.iter().filter(|(name, ..)| *name == CounterName::BrokenByMesh);
            let counted = broken.map(|(_, _, value)| value).sum();
            self.world.judge.counted_in_stop(sidecar.index, counted);
        }
    }

    fn left_at(&self, at: usize) -> Option<String> {
        let sidecar = &self.sidecars[at];
        let worker = &sidecar.worker;
        let (calls, connections) = (worker.calls_in_flight(), worker.connection_count());
        if calls + connections > 0 {
            return Some(format!("{calls} calls and {connections} connections are left"));
        }
        // The phases of a drain are timed once more after the last connection has gone.
        if let Some(timer) = worker.next_timer().filter(|_| !sidecar.is_draining) {
            return Some(format!("a timer is left for {}", self.world.time_of(timer)));
        }
        self.left_in_policy(at).or_else(|| self.broken_at(at))
    }

    fn left_in_policy(&self, at: usize) -> Option<String> {
        for snapshot in &self.sidecars[at].snapshots {
            let services = snapshot.services().iter().map(|service| &service.breaker);
            let breakers = services.chain(snapshot.inbound().map(|inbound| &inbound.breaker));
            for breaker in breakers {
                let held =
                    [Limit::Connections, Limit::Pending, Limit::Requests, Limit::Retries].map(|l| breaker.held(l));
                if held != [0; 4] {
                    return Some(format!("limits are held: {held:?} of connections, pending, requests, retries"));
                }
            }
            for cell in snapshot.clusters().flat_map(|cluster| cluster.endpoints()) {
                let left = (cell.in_flight(), cell.connections());
                if left != (0, 0) {
                    return Some(format!("endpoint {} has {left:?} calls and connections", cell.id));
                }
            }
        }
        None
    }

    /// Peers keep to the rules here, so that nobody may be accused of breaking them; and nothing may panic, or look for
    /// what must be there and miss it.
    fn broken_at(&self, at: usize) -> Option<String> {
        let counters = &self.sidecars[at].worker.telemetry.counters;
        let accused =
            |name| matches!(name, CounterName::Panics | CounterName::Impossible | CounterName::ProtocolErrors);
        let found = counters.iter().find(|(name, _, value)| accused(*name) && *value > 0);
        let broken = counters.iter().find(|(name, _, value)| {
            *name == CounterName::BrokenByMesh && *value > 0 && !self.sidecars[at].is_draining
        });
        found.or(broken).map(|(name, label, value)| format!("{} {label}: {value}", name.as_str()))
    }

    /// The last good policy is in force.
    fn check_snapshots(&mut self) {
        let newest = self.world.scenario.pushes.len();
        let Some(push) = self.world.scenario.pushes.last() else { return };
        for sidecar in &self.sidecars {
            let good = push.policy.refused_resource(sidecar.index).is_none();
            if good && !sidecar.is_draining && sidecar.revision != newest as u64 {
                let words = format!("sidecar {} has revision {} of {newest}", sidecar.index, sidecar.revision);
                self.world.judge.violated("snapshot", words);
            }
        }
    }
}
