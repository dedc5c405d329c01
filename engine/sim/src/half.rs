//! Ejection leaves a service usable (design: semantics, "Failure accrual, outliers, circuit breaker"): it takes no more than
//! half of the endpoints, of one none, and no call is refused for it.

use crate::facts::Fact;
use crate::judge::Judge;
use crate::scenario::{Ending, Scenario};

/// Limits from here on are met by no scenario.
const ROOMY: u32 = 100;

// === impl Judge ===

impl Judge<'_> {
    /// So many endpoints of a cluster are out at one time.
    pub(crate) fn ejected(&mut self, cluster: &str, out: usize, of: usize) {
        if out > of / 2 && self.scenario.facts.has(Fact::Half) {
            self.violated("ejected", format!("{out} of {of} endpoints of {cluster} are out at once"));
        }
    }

    /// Whether a call may be refused because a breaker is open; `otherwise` where ejection may still be the cause.
    pub(crate) fn may_break(&self, otherwise: bool) -> bool {
        let ejects = !self.scenario.facts.has(Fact::Half);
        is_tight(self.scenario) || ejects && (otherwise || fails(self.scenario))
    }
}

/// Whether limits are small enough to be met.
pub(crate) fn is_tight(scenario: &Scenario) -> bool {
    let small = |limits: &[u32; 4]| limits[..3].iter().any(|limit| *limit < ROOMY);
    scenario.pushes.iter().any(|push| small(&push.policy.limits))
        || scenario.servers.iter().any(|server| server.max_streams < ROOMY)
}

/// Whether anything fails that counts against an endpoint.
fn fails(scenario: &Scenario) -> bool {
    let failing = |ending: Ending| !matches!(ending, Ending::Status(0) | Ending::Only(0));
    let timed = scenario.calls.iter().any(|call| call.timeout.is_some());
    timed || scenario.calls.iter().flat_map(|call| &call.replies).any(|reply| failing(reply.ending))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Facts;
    use crate::named;
    use std::time::Duration;

    fn with(facts: Facts, check: impl Fn(&mut Judge<'_>)) -> Option<&'static str> {
        let mut scenario = named::calm(Vec::new(), Duration::from_secs(1));
        scenario.facts = facts;
        let mut judge = Judge::new(&scenario);
        check(&mut judge);
        judge.violation.map(|violation| violation.rule)
    }

    #[test]
    fn a_single_instance_is_never_out_and_no_more_than_half_is() {
        let half = Facts::of(&[Fact::Half]);
        for (out, of) in [(1, 1), (2, 2), (2, 3), (3, 5)] {
            assert_eq!(with(half, |judge| judge.ejected("echo", out, of)), Some("ejected"), "{out} of {of}");
            assert_eq!(with(half, |judge| judge.ejected("echo", of / 2, of)), None, "half of {of}");
        }
    }

    #[test]
    fn no_failure_explains_that_a_call_is_refused_for_an_open_breaker() {
        let held = |facts| with(facts, |judge| assert_eq!(judge.may_break(true), facts == Facts::NONE));
        assert_eq!((held(Facts::NONE), held(Facts::of(&[Fact::Half]))), (None, None));
    }
}
