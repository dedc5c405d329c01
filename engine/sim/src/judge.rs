//! What must hold after every step, call by call: none lost, answered twice, crossed or executed twice where it may not,
//! none late; and each end explained by something that happened.

use crate::in_force::InForce;
use crate::passage::Conn;
use crate::pattern::Whose;
use crate::policy::PolicyPlan;
use crate::scenario::{CallPlan, Ending, Scenario};
use crate::time::Time;
use crate::verdict;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tulle_http2::Fields;
use tulle_mesh::wire::InvalidSnapshot;

/// A timer of the wheel fires within this after its time.
const TICK: Duration = Duration::from_millis(1);
/// Bytes of a call that may be on the way between its ends: what each sidecar lets its peer send (64 KiB), and what lies
/// in the last one's output (256 KiB and a frame more), besides the network's buffer behind that.
const MOST_HELD: u64 = (2 * 64 + 256 + 64) << 10;

/// What did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which rule; the same for all shrunk forms of one failure.
    pub rule: &'static str,
    /// What was seen.
    pub words: String,
}

/// How a call ended for its caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Told(Told),
    /// RST_STREAM with this code and no status.
    Reset(u32),
    /// The stream was never taken.
    Refused,
    /// Its connection went.
    Lost,
    /// By its caller's own doing.
    Own(Own),
    /// There was nobody to send it to.
    NotSent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Own {
    Cancelled,
    TimeOver,
    Left,
    /// Nothing would ever have ended it.
    Endless,
}

/// What a caller was told at the end of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) status: Option<u32>,
    pub(crate) http: u32,
    pub(crate) reason: Option<String>,
    pub(crate) message: String,
    /// The execution that its head names, and its trailers.
    pub(crate) head: Option<usize>,
    pub(crate) tail: Option<usize>,
    pub(crate) bytes: u64,
    pub(crate) is_only: bool,
}

/// One call so far.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) sent: Option<Time>,
    /// When the callers' sidecar had its head, and the policy that it had then.
    pub(crate) arrived: Option<(Time, Option<usize>)>,
    pub(crate) executions: usize,
    pub(crate) acted: usize,
    /// Of the request, at its caller and at a server; of the response, at a server and at its caller.
    went_up: u64,
    pub(crate) came_up: u64,
    pub(crate) went_down: u64,
    came_down: u64,
    pub(crate) end: Option<(Time, End)>,
}

/// All calls.
pub(crate) struct Judge<'s> {
    pub(crate) scenario: &'s Scenario,
    pub(crate) records: Vec<Record>,
    pub(crate) by_id: BTreeMap<usize, usize>,
    by_stream: BTreeMap<(Conn, u32), usize>,
    due: BTreeSet<(Time, usize)>,
    disturbances: Vec<(Time, Time)>,
    pub(crate) in_force: InForce<'s>,
    most_held: u64,
    /// By stopping sidecar.
    pub(crate) cut: BTreeMap<usize, u64>,
    /// When the callers' sidecar stood still.
    stood: Vec<(Time, Time)>,
    pub(crate) violation: Option<Violation>,
    open: usize,
}

// === impl Judge ===

impl<'s> Judge<'s> {
    pub(crate) fn new(scenario: &'s Scenario) -> Self {
        let last = scenario.network.local.buffer.max(scenario.network.far.buffer);
        Self {
            scenario,
            records: scenario.calls.iter().map(|_| Record::default()).collect(),
            by_id: scenario.calls.iter().enumerate().map(|(at, call)| (call.id, at)).collect(),
            by_stream: BTreeMap::new(),
            due: BTreeSet::new(),
            disturbances: Vec::new(),
            in_force: InForce::new(scenario),
            most_held: MOST_HELD + last as u64,
            cut: BTreeMap::new(),
            stood: Vec::new(),
            violation: None,
            open: scenario.calls.len(),
        }
    }

    pub(crate) fn violated(&mut self, rule: &'static str, words: String) {
        self.violation.get_or_insert(Violation { rule, words });
    }

    pub(crate) fn plan(&self, call: usize) -> &'s CallPlan {
        &self.scenario.calls[call]
    }

    pub(crate) fn policy(&self, call: usize) -> Option<&'s PolicyPlan> {
        let (_, revision) = self.records[call].arrived?;
        Some(&self.scenario.pushes[revision?].policy)
    }

    pub(crate) fn is_over(&self, call: usize) -> bool {
        self.records[call].end.is_some()
    }

    /// Calls that have not ended.
    pub(crate) fn open(&self) -> usize {
        self.open
    }

    /// Bytes that have come to where they were to go, in all executions at hand.
    pub(crate) fn arrived_bytes(&self) -> u64 {
        self.records.iter().map(|record| record.came_up + record.came_down).sum()
    }

    /// Something happened that may cost calls, from then to then.
    pub(crate) fn disturbed(&mut self, from: Time, until: Time) {
        self.disturbances.push((from, until));
    }

    pub(crate) fn was_disturbed(&self, from: Time, until: Time) -> bool {
        self.disturbances.iter().any(|(begin, end)| *begin <= until && from <= *end)
    }

    pub(crate) fn sent(&mut self, call: usize, now: Time, conn: Conn, stream: u32) {
        self.records[call].sent = Some(now);
        self.by_stream.insert((conn, stream), call);
    }

    /// The callers' sidecar has a call's head, and this revision in force.
    pub(crate) fn arrived(&mut self, conn: Conn, stream: u32, now: Time, revision: u64) {
        let Some(call) = self.by_stream.get(&(conn, stream)).copied() else { return };
        self.records[call].arrived = Some((now, (revision as usize).checked_sub(1)));
        if let Some(time) = self.time_for(call) {
            self.due.insert((now + time, call));
        }
    }

    pub(crate) fn time_for(&self, call: usize) -> Option<Duration> {
        self.policy(call)?.time_for(self.plan(call).timeout)
    }

    /// The callers' sidecar has written the end of a reply.
    pub(crate) fn answered(&mut self, conn: Conn, stream: u32, now: Time) {
        let Some(call) = self.by_stream.get(&(conn, stream)).copied() else { return };
        if let Some(due) = self.no_longer_due(call)
            && self.latest(due) < now
        {
            self.late(call, due, now);
        }
    }

    pub(crate) fn given_up(&mut self, conn: Conn, stream: u32) {
        if let Some(call) = self.by_stream.get(&(conn, stream)).copied() {
            self.no_longer_due(call);
        }
    }

    /// A connection of a caller's is gone, and what was due on it.
    pub(crate) fn connection_over(&mut self, conn: Conn) {
        let range = (conn, 0)..=(conn, u32::MAX);
        for call in self.by_stream.range(range).map(|(_, call)| *call).collect::<Vec<_>>() {
            self.no_longer_due(call);
        }
    }

    pub(crate) fn next_due(&self) -> Option<Time> {
        self.due.first().map(|(due, _)| *due)
    }

    fn no_longer_due(&mut self, call: usize) -> Option<Time> {
        let (arrived, _) = self.records[call].arrived?;
        let due = arrived + self.time_for(call)?;
        self.due.remove(&(due, call)).then_some(due)
    }

    /// The callers' sidecar stands still.
    pub(crate) fn stands_still(&mut self, from: Time, until: Time) {
        self.stood.push((from, until));
    }

    /// When at the latest somebody is told what was due: not while the sidecar stands still, and when the turn
    /// after the one that it is in is over.
    fn latest(&self, due: Time) -> Time {
        let stood = self.stood.iter().filter(|(from, until)| *from <= due + TICK && due <= *until);
        stood.map(|(_, until)| *until).fold(due, Time::max) + TICK + self.scenario.turn * 2
    }

    /// Calls whose time is over and whose callers' sidecar has said nothing; `excused` where nothing can be said.
    pub(crate) fn look_for_late(&mut self, now: Time, excused: impl Fn(Conn) -> bool) {
        while let Some((due, call)) = self.due.first().copied().filter(|(due, _)| self.latest(*due) < now) {
            self.due.pop_first();
            let conn = self.by_stream.iter().find(|(_, of)| **of == call).map(|((conn, _), _)| *conn);
            if !conn.is_some_and(&excused) {
                self.late(call, due, now);
            }
        }
    }

    fn late(&mut self, call: usize, due: Time, now: Time) {
        let id = self.plan(call).id;
        self.violated("deadline", format!("call {id} was due at {due} and its caller was told nothing by {now}"));
    }

    pub(crate) fn went_up(&mut self, call: usize, bytes: u64) {
        let record = &mut self.records[call];
        record.went_up = bytes;
        let held = record.went_up.saturating_sub(record.came_up);
        self.check_held(call, held, record_runs(&self.records[call]));
    }

    pub(crate) fn went_down(&mut self, call: usize, bytes: u64) {
        let record = &mut self.records[call];
        record.went_down = bytes;
        let held = record.went_down.saturating_sub(record.came_down);
        self.check_held(call, held, record_runs(&self.records[call]));
    }

    fn check_held(&mut self, call: usize, held: u64, runs: bool) {
        if runs && held > self.most_held {
            let (id, most) = (self.plan(call).id, self.most_held);
            self.violated("buffers", format!("{held} bytes of call {id} are held on the way, where {most} may be"));
        }
    }

    /// Part of a request, at a server.
    pub(crate) fn came_up(&mut self, call: usize, at: u64, bytes: &[u8]) {
        let id = self.plan(call).id;
        if !(Whose::Request { call: id }).is(at, bytes) {
            self.violated(
                "crossed",
                format!("the request of call {id} holds other bytes than were sent, from {at} on"),
            );
        }
        self.records[call].came_up = at + bytes.len() as u64;
    }

    pub(crate) fn came_up_whole(&mut self, call: usize, bytes: u64) {
        let (id, total) = (self.plan(call).id, self.plan(call).request.total());
        if bytes != total {
            self.violated(
                "lost",
                format!("{bytes} bytes of the {total} of call {id}'s request came, and then its end"),
            );
        }
    }

    /// A response's head names its call; those that a sidecar made name none.
    pub(crate) fn is_of(&mut self, call: usize, fields: &Fields) {
        let id = self.plan(call).id.to_string();
        if let Some(name) = fields.get(b"x-call").filter(|name| *name != id.as_bytes()) {
            self.violated("crossed", format!("call {id} is answered as call {}", name.escape_ascii()));
        }
    }

    /// Part of a response, at its caller.
    pub(crate) fn came_down(&mut self, call: usize, execution: Option<usize>, at: u64, bytes: &[u8]) {
        let id = self.plan(call).id;
        let Some(execution) = execution else {
            return self.violated("crossed", format!("call {id} has a response that no server began"));
        };
        if !(Whose::Response { call: id, execution }).is(at, bytes) {
            self.violated(
                "crossed",
                format!("the response of call {id} holds other bytes than were sent, from {at} on"),
            );
        }
        self.records[call].came_down = at + bytes.len() as u64;
    }

    pub(crate) fn ended(&mut self, call: usize, now: Time, end: End) {
        let id = self.plan(call).id;
        if let Some((_, before)) = &self.records[call].end {
            let words = format!("call {id} has ended by {before:?} and ends again by {end:?}");
            return self.violated("answered twice", words);
        }
        if let Err(words) = verdict::of(self, call, now, &end) {
            self.violated("status", format!("call {id} ended at {now} by {end:?}: {words}"));
        }
        self.records[call].end = Some((now, end));
        self.open -= 1;
    }

    /// A sidecar's answer to a snapshot; `flawed` names what must be refused.
    pub(crate) fn answered_snapshot(
        &mut self,
        sidecar: usize,
        flawed: Option<&'static str>,
        result: &Result<(), InvalidSnapshot>,
    ) {
        match (flawed, result) {
            (None, Ok(())) => {}
            (Some(resource), Err(refused)) if refused.resource == resource => {}
            _ => self.violated("snapshot", format!("sidecar {sidecar}: {result:?}, where the flaw is {flawed:?}")),
        }
    }

    /// Whether nothing that is still to happen would ever end the call.
    pub(crate) fn is_endless(&self, call: usize) -> bool {
        let record = &self.records[call];
        let silent = record.executions == 0 || self.plan(call).reply(record.executions - 1).ending == Ending::Silence;
        record.arrived.is_some() && silent && self.time_for(call).is_none()
    }
}

fn record_runs(record: &Record) -> bool {
    record.executions > 0 && record.end.is_none()
}
