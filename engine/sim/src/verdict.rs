//! Whether a call may have ended as it did: a server's own word as it was given, or a status of the closed list with a
//! cause that did happen (design: semantics, "Statuses made by the proxy").

use crate::half::is_tight;
use crate::judge::{End, Judge, Own, Told};
use crate::policy::PolicyPlan;
use crate::scenario::Ending;
use crate::time::Time;
use std::time::Duration;
use tulle_mesh::outcome::Outcome;
use tulle_mesh::reason::Reason;

/// A disturbance still shows so long after it: keepalive takes 15 s to find a dead peer, a queue 3 s more.
const ECHO: Duration = Duration::from_secs(25);
/// What takes nothing for so long is given up as if its time were over.
const STALL: Duration = Duration::from_secs(45);
/// Field lists above this are refused.
const LIST: u32 = 15_000;

type Verdict = Result<(), String>;

/// Judges the end of a call.
pub(crate) fn of(judge: &Judge<'_>, call: usize, now: Time, end: &End) -> Verdict {
    let disturbed = was_disturbed(judge, call, now);
    match end {
        End::Own(Own::Endless) if judge.scenario.calm => Err("nothing may be endless in a calm mesh".into()),
        End::Own(_) => Ok(()),
        End::Told(told) => of_told(judge, call, now, told),
        End::Lost | End::NotSent | End::Refused => needs(disturbed, "nothing happened to its connection"),
        // The caller does not take its reply in time; or it is the sidecar's own way of saying that time is over.
        End::Reset(8) => needs(judge.time_for(call).is_some() || lasted(judge, call, now, STALL), "it was not late"),
        End::Reset(_) => Err("a sidecar resets no honest call".into()),
    }
}

fn of_told(judge: &Judge<'_>, call: usize, now: Time, told: &Told) -> Verdict {
    match (&told.reason, told.tail.or(told.head)) {
        (Some(reason), _) if told.tail.is_some() => Err(format!("{reason} is the application's word for a sidecar's")),
        (Some(reason), _) => of_reason(judge, call, now, told, reason),
        (None, Some(execution)) => of_server(judge, call, told, execution),
        (None, None) => Err("it names neither a reason nor an execution".into()),
    }
}

/// What a server said is passed on as it was said.
fn of_server(judge: &Judge<'_>, call: usize, told: &Told, execution: usize) -> Verdict {
    let record = &judge.records[call];
    needs(execution < record.executions, "no server has executed it so often")?;
    needs(told.head == Some(execution) || told.is_only, "its head is of another execution")?;
    let reply = judge.plan(call).reply(execution);
    needs(told.bytes == reply.total(), &format!("{} bytes came of {}", told.bytes, reply.total()))?;
    let right = match reply.ending {
        Ending::Status(code) => told.status == Some(code) && !told.is_only && told.tail == Some(execution),
        Ending::Only(code) => told.status == Some(code) && told.is_only,
        Ending::NoStatus => told.status.is_none() && told.tail.is_none(),
        Ending::Http(status) => told.status.is_none() && told.http == u32::from(status),
        Ending::Reset(_) | Ending::Refuse | Ending::Cut | Ending::Silence => false,
    };
    needs(right, &format!("the server said {:?}", reply.ending))
}

/// What a sidecar said itself needs a reason of the list, its status, and a cause.
fn of_reason(judge: &Judge<'_>, call: usize, now: Time, told: &Told, reason: &str) -> Verdict {
    // Mebibytes may take longer on a slow way than a unary call has.
    let by_its_time = reason == "deadline" && judge.time_for(call).is_some_and(|time| lasted(judge, call, now, time));
    needs(!judge.scenario.calm || by_its_time, "nothing may fail in a calm mesh")?;
    let Some(reason) = Reason::from_header(reason.as_bytes()) else { return Err("no such reason is listed".into()) };
    let code = told.status.unwrap_or(99);
    let right = match reason {
        Reason::UpstreamReset => matches!(code, 1 | 2 | 7 | 8 | 13 | 14),
        reason => code == Outcome::code_of(reason) as u32,
    };
    needs(right, &format!("{code} is not the status of {reason}"))?;
    needs(told.head.is_some() || told.is_only, "it has a head that no server sent")?;
    needs(!told.message.is_empty(), "its cause is not put in words")?;
    needs(has_cause(judge, call, now, reason), "nothing happened that would be a cause")
}

fn has_cause(judge: &Judge<'_>, call: usize, now: Time, reason: Reason) -> bool {
    let disturbed = was_disturbed(judge, call, now);
    match reason {
        Reason::NoRoute | Reason::UnknownService => judge.policy(call).is_none(),
        Reason::Denied => judge.might_be_denied(call, now),
        Reason::Deadline => was_due(judge, call, now),
        Reason::ConnectFailed => disturbed || is_mistaken(judge),
        Reason::QueueFull => disturbed || is_tight(judge.scenario),
        Reason::BreakerOpen => judge.may_break(disturbed || is_mistaken(judge)),
        Reason::NoEndpoints => judge.policy(call).is_some_and(PolicyPlan::may_be_empty),
        Reason::HeaderLimit => judge.plan(call).head_bytes > LIST,
        Reason::UpstreamReset => {
            disturbed || misbehaves(judge, call) || is_tight(judge.scenario) || judge.is_of_canceller(call)
        }
        Reason::RateLimited | Reason::FaultInjected | Reason::Draining | Reason::Shed => false,
    }
}

/// The call's own time, or an attempt's, or a stall's.
fn was_due(judge: &Judge<'_>, call: usize, now: Time) -> bool {
    let per_try = judge.policy(call).and_then(|policy| policy.per_try_timeout);
    let times = [judge.time_for(call), per_try, Some(STALL)];
    times.into_iter().flatten().any(|time| lasted(judge, call, now, time))
}

fn lasted(judge: &Judge<'_>, call: usize, now: Time, time: Duration) -> bool {
    judge.records[call].arrived.is_some_and(|(arrived, _)| now.since(arrived) >= time)
}

fn was_disturbed(judge: &Judge<'_>, call: usize, now: Time) -> bool {
    let from = judge.records[call].sent.unwrap_or(now);
    judge.was_disturbed(from.before(ECHO), now)
}

/// Whether one of the call's own executions went in a way that a sidecar must put in words.
fn misbehaves(judge: &Judge<'_>, call: usize) -> bool {
    let plan = judge.plan(call);
    (0..judge.records[call].executions).any(|execution| !plan.reply(execution).is_well())
}

/// Whether a policy asks a server's sidecar for an identity that it has not.
fn is_mistaken(judge: &Judge<'_>) -> bool {
    judge.scenario.pushes.iter().any(|push| push.policy.mistaken.is_some())
}

fn needs(holds: bool, otherwise: &str) -> Verdict {
    if holds { Ok(()) } else { Err(otherwise.to_owned()) }
}
