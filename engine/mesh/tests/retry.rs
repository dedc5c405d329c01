//! Whether a failed attempt is made again.

use crate::support::*;
use std::time::{Duration, Instant};
use tulle_mesh::method::{MethodInfo, Methods};
use tulle_mesh::outcome::Outcome;
use tulle_mesh::proto;
use tulle_mesh::reason::Reason;
use tulle_mesh::resilience::breaker::{Limit, ServiceBreaker, ServiceLimits};
use tulle_mesh::resilience::budget::{BudgetPolicy, RetryBudget};
use tulle_mesh::resilience::deadline::Deadline;
use tulle_mesh::resilience::retry::{
    Backoff, Decision, FailedAttempt, Progress, Pushback, RetryPlan, RetryPolicy, Skip, Stop, Told, parse_previous,
};
use tulle_mesh::router::RoutePolicy;
use tulle_mesh::status::{Code, CodeSet};

/// A call that fails as often as it is told to, on a service with room for retries.
struct Call {
    plan: RetryPlan,
    breaker: ServiceBreaker,
    budget: RetryBudget,
    now: Instant,
    random: tulle_mesh::random::SplitMix64,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Plain,
    Idempotent,
    ClientStream,
}

fn method(kind: Kind) -> MethodInfo {
    let declared = proto::Method {
        path: "/a.A/M".into(),
        client_streaming: kind == Kind::ClientStream,
        server_streaming: false,
        idempotent: kind == Kind::Idempotent,
    };
    Methods::new(&[declared], None).find(b"/a.A/M")
}

fn call(attempts: u32, kind: Kind) -> Call {
    let retry = RetryPolicy { attempts, ..RetryPolicy::default() };
    Call::new(RoutePolicy { retry, ..RoutePolicy::default() }, kind)
}

fn failed(outcome: Outcome) -> FailedAttempt {
    FailedAttempt {
        outcome,
        progress: Progress::Replayable,
        deadline: Deadline::NEVER,
        p50: Duration::ZERO,
        pushback: None,
        attempts_below: 0,
    }
}

/// The server said so itself: it may have acted.
fn unavailable() -> FailedAttempt {
    failed(Outcome::trailers_only(Code::Unavailable, None))
}

/// The server's sidecar, which has proved who it is, kept the call back.
fn withheld() -> FailedAttempt {
    failed(Outcome::trailers_only(Code::Unavailable, Some(Reason::Shed)))
}

fn skipped(skip: Skip) -> Decision {
    Decision::Stop(Stop::Skipped(skip))
}

impl Call {
    fn new(route: RoutePolicy, kind: Kind) -> Self {
        let breaker = ServiceBreaker::new(ServiceLimits::default(), None);
        let plan = RetryPlan::new(&route, &method(kind));
        Self { plan, breaker, budget: RetryBudget::default(), now: Instant::now(), random: random() }
    }

    /// A plan that makes no retry.
    fn of_nothing() -> RetryPlan {
        call(1, Kind::Plain).plan
    }

    fn fails(&mut self, failed: FailedAttempt) -> Decision {
        self.plan.decide(&failed, &self.budget, &self.breaker, self.now, &mut self.random)
    }

    #[track_caller]
    fn is_retried(&mut self, failed: FailedAttempt) -> Duration {
        match self.fails(failed) {
            Decision::Retry { after } => after,
            stop => panic!("stopped: {stop:?}"),
        }
    }
}

#[test]
fn the_default_is_one_retry_on_unavailable() {
    let mut call = call(2, Kind::Idempotent);
    call.is_retried(unavailable());
    assert_eq!(call.fails(unavailable()), Decision::Stop(Stop::Exhausted));
}

#[test]
fn codes_that_policy_does_not_list_are_final() {
    let mut call = call(2, Kind::Idempotent);
    for code in [Code::Internal, Code::NotFound, Code::Ok] {
        assert_eq!(call.fails(failed(Outcome::trailers_only(code, None))), Decision::Stop(Stop::Final));
    }
}

#[test]
fn five_attempts_are_made_and_never_more() {
    let mut call = call(5, Kind::Idempotent);
    for previous in 1..5 {
        call.is_retried(unavailable());
        assert_eq!(call.plan.previous_attempts(), previous);
    }
    assert_eq!(call.plan.attempts(), 5);
    assert_eq!(call.fails(unavailable()), Decision::Stop(Stop::Exhausted));
    assert_eq!(call.fails(failed(Outcome::connect_failed())), Decision::Stop(Stop::Exhausted));
}

#[test]
fn what_no_server_saw_is_always_tried_again_and_spends_nothing() {
    for outcome in [Outcome::connect_failed(), Outcome::refused(), Outcome::local_fault()] {
        let mut call = call(1, Kind::ClientStream);
        assert_eq!(call.is_retried(failed(outcome)), Duration::ZERO, "the first time at once");
        call.is_retried(failed(outcome));
        assert_eq!(call.breaker.held(Limit::Retries), 0);
    }
}

#[test]
fn a_method_that_may_run_once_is_tried_again_only_on_proof_that_it_did_not() {
    for outcome in [
        Outcome::connection_lost(),
        Outcome::trailers(Code::Unavailable, None),
        Outcome::trailers_only(Code::Unavailable, None),
        Outcome::trailers_only(Code::Unavailable, Some(Reason::UpstreamReset)),
    ] {
        assert_eq!(call(2, Kind::Plain).fails(failed(outcome)), skipped(Skip::NotIdempotent), "{outcome:?}");
    }
    let mut call = call(2, Kind::Plain);
    call.is_retried(withheld());
    assert_eq!(call.breaker.held(Limit::Retries), 1, "by policy, and out of its budget");
}

#[test]
fn a_proven_sidecar_that_never_reached_its_application_is_left_for_another_at_once() {
    for reason in [Reason::ConnectFailed, Reason::Draining] {
        let mut call = call(1, Kind::Plain);
        let told = failed(Outcome::trailers_only(Code::Unavailable, Some(reason)));
        assert_eq!(call.is_retried(told), Duration::ZERO, "{reason}");
        assert_eq!(call.breaker.held(Limit::Retries), 0);
    }
}

#[test]
fn what_the_caller_has_tried_already_counts_as_attempts_made() {
    let after = |previous| {
        let mut call = call(3, Kind::Idempotent);
        call.plan = call.plan.after(previous);
        call
    };
    let mut second = after(1);
    assert!(second.plan.may_try_again());
    second.is_retried(unavailable());
    assert_eq!((second.plan.previous_attempts(), second.plan.retries()), (2, 1), "the caller's and ours");
    assert_eq!(second.fails(unavailable()), Decision::Stop(Stop::Exhausted));
    for previous in [2, 3, u32::MAX] {
        let mut last = after(previous);
        assert!(!last.plan.may_try_again());
        assert_eq!(last.fails(unavailable()), Decision::Stop(Stop::Exhausted), "{previous}");
        last.is_retried(failed(Outcome::connect_failed()));
        assert!(last.plan.previous_attempts() > previous.min(1_000), "never a smaller number");
    }
}

#[test]
fn a_caller_that_tries_as_often_as_the_policy_says_has_it_executed_no_oftener() {
    let mut executions = 0;
    // A client with a retry policy of its own, of three attempts; it does as it is told.
    for previous in 0..3 {
        let mut call = call(2, Kind::Idempotent);
        call.plan = call.plan.after(previous);
        executions += 1;
        while let Decision::Retry { .. } = call.fails(unavailable()) {
            executions += 1;
        }
        if call.plan.told(0).pushback_never {
            break;
        }
    }
    assert_eq!(executions, 2);
}

#[test]
fn the_answer_of_a_call_that_was_tried_again_tells_others_not_to() {
    let mut call = call(3, Kind::Idempotent);
    assert_eq!(call.plan.told(0), Told::default());
    call.is_retried(failed(Outcome::connect_failed()));
    assert_eq!(call.plan.told(0), Told::default(), "what was not executed may be tried by others");
    call.is_retried(unavailable());
    assert_eq!(call.plan.told(0), Told { previous_attempts: 1, pushback_never: true });
    assert_eq!(call.plan.told(2), Told { previous_attempts: 3, pushback_never: true });
    assert_eq!(Call::of_nothing().told(1), Told { previous_attempts: 1, pushback_never: true }, "it is passed on");
}

#[test]
fn a_count_that_is_no_number_is_none() {
    assert_eq!([&b"3"[..], b"1000000", b"", b"-1", b"x"].map(parse_previous), [3, 1_000, 0, 0, 0]);
}

#[test]
fn an_idempotent_method_is_tried_again_on_a_reset_and_on_a_lost_connection() {
    for outcome in [Outcome::connection_lost(), Outcome::reset(0x2), Outcome::trailers(Code::Unavailable, None)] {
        call(2, Kind::Idempotent).is_retried(failed(outcome));
    }
}

#[test]
fn a_route_may_declare_its_methods_idempotent() {
    let mut call = Call::new(RoutePolicy { idempotent: true, ..RoutePolicy::default() }, Kind::Plain);
    call.is_retried(failed(Outcome::connection_lost()));
}

#[test]
fn client_streams_are_not_retried_by_policy() {
    assert_eq!(call(5, Kind::ClientStream).fails(unavailable()), Decision::Stop(Stop::Final));
}

#[test]
fn an_attempts_own_deadline_is_retried_where_policy_lists_it() {
    let codes = CodeSet::of(&[Code::DeadlineExceeded]);
    let retry = RetryPolicy { codes, ..RetryPolicy::default() };
    let mut call = Call::new(RoutePolicy { retry, ..RoutePolicy::default() }, Kind::Idempotent);
    call.is_retried(failed(Outcome::per_try()));
}

#[test]
fn a_committed_call_and_an_outgrown_buffer_are_not_replayed() {
    let at = |progress| FailedAttempt { progress, ..unavailable() };
    assert_eq!(call(2, Kind::Idempotent).fails(at(Progress::Committed)), skipped(Skip::Committed));
    assert_eq!(call(2, Kind::Idempotent).fails(at(Progress::Overflowed)), skipped(Skip::Buffer));
    let refused = FailedAttempt { progress: Progress::Overflowed, ..failed(Outcome::refused()) };
    assert_eq!(call(2, Kind::Idempotent).fails(refused), skipped(Skip::Buffer));
}

#[test]
fn no_retry_is_made_that_could_not_end_before_the_deadline() {
    let mut call = call(2, Kind::Idempotent);
    let within = |left, p50, call: &Call| {
        let deadline = Deadline::after(call.now, Some(left));
        FailedAttempt { deadline, p50, pushback: Some(Pushback::After(ms(20))), ..unavailable() }
    };
    let tight = within(ms(50), ms(30), &call);
    assert_eq!(call.fails(tight), skipped(Skip::Deadline));
    let roomy = within(ms(51), ms(30), &call);
    assert_eq!(call.is_retried(roomy), ms(20));
}

#[test]
fn backoff_is_25_ms_doubling_to_250_ms() {
    let backoff = Backoff::default();
    let ceilings: Vec<_> = (1..=6).map(|retry| backoff.ceiling(retry).as_millis()).collect();
    assert_eq!(ceilings, [25, 50, 100, 200, 250, 250]);
    assert_eq!(backoff.ceiling(u32::MAX), ms(250));
}

#[test]
fn jitter_is_full_any_wait_up_to_the_ceiling_is_as_likely() {
    let (backoff, mut random) = (Backoff::default(), random());
    let waits: Vec<_> = (0..10_000).map(|_| backoff.wait(2, &mut random).as_secs_f64() * 1000.0).collect();
    assert!(waits.iter().all(|wait| (0.0..50.0).contains(wait)));
    let mean = waits.iter().sum::<f64>() / 10_000.0;
    // Uniform over 50 ms: mean 25, standard error 0.144.
    assert!((mean - 25.0).abs() < 0.45, "mean {mean}");
    assert!(waits.iter().any(|wait| *wait < 1.0) && waits.iter().any(|wait| *wait > 49.0));
}

#[test]
fn pushback_is_obeyed_and_negative_means_never() {
    assert_eq!(Pushback::parse(b"120"), Pushback::After(ms(120)));
    for never in [&b"-1"[..], b"", b"soon", b"99999999999"] {
        assert_eq!(Pushback::parse(never), Pushback::Never);
    }
    let with = |pushback| FailedAttempt { pushback: Some(pushback), ..unavailable() };
    assert_eq!(call(2, Kind::Idempotent).fails(with(Pushback::Never)), skipped(Skip::Pushback));
    assert_eq!(call(2, Kind::Idempotent).is_retried(with(Pushback::After(ms(120)))), ms(120));
}

#[test]
fn a_retry_made_further_down_is_not_repeated() {
    let below = FailedAttempt { attempts_below: 1, ..unavailable() };
    assert_eq!(call(2, Kind::Idempotent).fails(below), skipped(Skip::FurtherDown));
}

#[test]
fn a_spent_budget_stops_retries_by_policy_alone() {
    let budget = BudgetPolicy { percent: 0, min_per_second: 0 };
    let retry = RetryPolicy { budget, ..RetryPolicy::default() };
    let mut call = Call::new(RoutePolicy { retry, ..RoutePolicy::default() }, Kind::Idempotent);
    call.breaker = ServiceBreaker::new(ServiceLimits { retries: 0, ..ServiceLimits::default() }, None);
    assert_eq!(call.fails(unavailable()), skipped(Skip::Budget));
    assert_eq!(call.breaker.refused(Limit::Retries), 1);
    call.is_retried(failed(Outcome::connect_failed()));
}

#[test]
fn a_retry_holds_its_place_until_the_call_ends_and_no_longer() {
    let mut call = call(5, Kind::Idempotent);
    call.is_retried(unavailable());
    call.is_retried(unavailable());
    assert_eq!(call.breaker.held(Limit::Retries), 1, "the second took over from the first");
    call.plan.finish(&call.breaker);
    call.plan.finish(&call.breaker);
    assert_eq!(call.breaker.held(Limit::Retries), 0);
}

#[test]
fn the_proxys_own_refusal_the_callers_cancel_and_the_calls_own_end_are_final() {
    let mut call = call(5, Kind::Idempotent);
    assert_eq!(call.fails(failed(Outcome::local(Reason::BreakerOpen))), Decision::Stop(Stop::Final));
    assert_eq!(call.fails(failed(Outcome::cancelled())), Decision::Stop(Stop::Final));
    let codes = CodeSet::of(&[Code::DeadlineExceeded]);
    let retry = RetryPolicy { codes, ..RetryPolicy::default() };
    let mut listed = Call::new(RoutePolicy { retry, ..RoutePolicy::default() }, Kind::Idempotent);
    for outcome in [Outcome::deadline(), Outcome::cap()] {
        assert_eq!(listed.fails(failed(outcome)), Decision::Stop(Stop::Final), "the call's own time is over");
    }
}
