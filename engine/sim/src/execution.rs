//! What must hold when a server sees a call: it is one that somebody makes, whole and in time, sent where its policy says,
//! let in by the policy of the sidecar before the server, and not executed more often than it may be.

use crate::judge::Judge;
use crate::policy::PolicyPlan;
use crate::scenario::{Ending, Kind};
use crate::time::Time;
use std::time::Duration;

/// A request's head, as a server sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'h> {
    /// The call that it names.
    pub(crate) id: usize,
    pub(crate) path: &'h [u8],
    pub(crate) server: usize,
    /// What it says is left.
    pub(crate) timeout: Option<Duration>,
}

// === impl Judge ===

impl Judge<'_> {
    /// A server sees a request; gives the call and the execution's number.
    pub(crate) fn executed(&mut self, now: Time, seen: Seen<'_>) -> Option<(usize, usize)> {
        let id = seen.id;
        let Some(call) = self.by_id.get(&id).copied() else {
            self.violated("crossed", format!("a server sees call {id}, which nobody makes"));
            return None;
        };
        let plan = self.plan(call);
        if seen.path.strip_prefix(b"/") != Some(plan.kind.method().as_bytes()) {
            self.violated("crossed", format!("call {id} comes as {}", seen.path.escape_ascii()));
        }
        if seen.timeout > plan.timeout || seen.timeout.is_some() != plan.timeout.is_some() {
            self.violated("deadline", format!("call {id} with {:?} came with {:?}", plan.timeout, seen.timeout));
        }
        self.check_way(call, now, seen.server);
        self.count_execution(call)
    }

    /// By the policy that the callers' sidecar had when the call came to it, and by one that the server's has had since.
    fn check_way(&mut self, call: usize, now: Time, server: usize) {
        let (plan, id) = (self.plan(call), self.plan(call).id);
        match self.policy(call) {
            Some(policy) if policy.may_reach(server) => {}
            Some(_) => self.violated("routing", format!("call {id} was sent to server {server} against its policy")),
            None => self.violated("routing", format!("call {id} was sent to server {server} without a policy")),
        }
        if self.scenario.servers[server].has_sidecar && !self.might_enter(call, now, server) {
            let words = format!("call {id}, {:?}, was let in to server {server}, where it is denied", plan.kind);
            self.violated("authorization", words);
        }
    }

    fn might_enter(&self, call: usize, now: Time, server: usize) -> bool {
        let kind = self.plan(call).kind;
        let lets_in = |policy: Option<&PolicyPlan>| policy.is_some_and(|policy| policy.lets_in(kind));
        self.since_it_came(call, now, server + 1).into_iter().any(lets_in)
    }

    /// Whether the sidecar before a server may have kept the call out.
    pub(crate) fn might_be_denied(&self, call: usize, now: Time) -> bool {
        let kind = self.plan(call).kind;
        let with_sidecar = (0..self.scenario.servers.len()).filter(|server| self.scenario.servers[*server].has_sidecar);
        let reached = with_sidecar.filter(|server| self.policy(call).is_some_and(|policy| policy.may_reach(*server)));
        let mut policies = reached.flat_map(|server| self.since_it_came(call, now, server + 1));
        policies.any(|policy| policy.is_none_or(|policy| !policy.lets_in(kind)))
    }

    fn since_it_came(&self, call: usize, now: Time, sidecar: usize) -> Vec<Option<&PolicyPlan>> {
        let came = self.records[call].arrived.map_or(Time::START, |(at, _)| at);
        self.in_force.between(sidecar, came, now)
    }

    fn count_execution(&mut self, call: usize) -> Option<(usize, usize)> {
        let (plan, policy) = (self.plan(call), self.policy(call));
        let declared = plan.kind == Kind::Idempotent && policy.is_some_and(|policy| policy.declared);
        let twice_does_no_harm = declared || policy.is_some_and(|policy| policy.idempotent);
        let record = &mut self.records[call];
        let execution = record.executions;
        record.executions += 1;
        (record.came_up, record.went_down) = (0, 0);
        if record.acted > 0 && !twice_does_no_harm {
            let words = format!("call {} is executed again, after it was acted on", plan.id);
            self.violated("executed twice", words);
        }
        self.records[call].acted += usize::from(plan.reply(execution).acts());
        self.check_attempts(call);
        Some((call, execution))
    }

    /// Refusals are tried again by right; all else as often as policy says.
    fn check_attempts(&mut self, call: usize) {
        let plan = self.plan(call);
        let Some(policy) = self.policy(call) else { return };
        let refused = |execution: &usize| plan.reply(*execution).ending == Ending::Refuse;
        let executions = self.records[call].executions;
        let tried = executions - (0..executions).filter(refused).count();
        if tried > policy.attempts as usize {
            let words = format!("call {} is executed {tried} times, where {} are the most", plan.id, policy.attempts);
            self.violated("attempts", words);
        }
    }
}
