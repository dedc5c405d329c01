//! Which policy each sidecar has had in force, and from when on.

use crate::policy::PolicyPlan;
use crate::scenario::Scenario;
use crate::time::Time;

/// The revisions of all sidecars, in the order in which they came into force.
#[derive(Debug)]
pub(crate) struct InForce<'s> {
    scenario: &'s Scenario,
    /// By sidecar; none where it has no policy.
    since: Vec<Vec<(Time, Option<usize>)>>,
}

// === impl InForce ===

impl<'s> InForce<'s> {
    pub(crate) fn new(scenario: &'s Scenario) -> Self {
        Self { scenario, since: vec![vec![(Time::START, None)]; scenario.servers.len() + 1] }
    }

    /// A sidecar has said that it goes by this revision; 0 where it has none.
    pub(crate) fn takes(&mut self, sidecar: usize, now: Time, revision: u64) {
        self.since[sidecar].push((now, (revision as usize).checked_sub(1)));
    }

    /// What a sidecar went by at any moment from then to then; an entry is none where it had no policy.
    pub(crate) fn between(&self, sidecar: usize, from: Time, until: Time) -> Vec<Option<&'s PolicyPlan>> {
        let all = &self.since[sidecar];
        let first = all.iter().rposition(|(at, _)| *at < from).unwrap_or(0);
        let seen = all[first..].iter().filter(|(at, _)| *at <= until);
        seen.map(|(_, push)| push.map(|push| &self.scenario.pushes[push].policy)).collect()
    }
}
