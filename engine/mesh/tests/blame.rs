//! The table of who has to answer for an outcome, walked row by row and read as sentences.

use std::collections::HashSet;
use tulle_mesh::blame::{BY_CAUSE, BY_REASON, Blame, FAULTS};
use tulle_mesh::outcome::{Cause, Outcome, Verdict};
use tulle_mesh::reason::{REASONS, Reason};
use tulle_mesh::status::{CODES, Code};

/// Every outcome of every cause but the proxy's own decisions: each has its row.
fn all() -> Vec<Outcome> {
    let causes = BY_CAUSE.into_iter().map(|(cause, _)| cause).filter(|cause| *cause != Cause::Local);
    causes.flat_map(|cause| CODES.into_iter().map(move |code| Outcome { code, reason: None, cause })).collect()
}

fn answers(code: Code) -> [Outcome; 2] {
    [Outcome::trailers(code, None), Outcome::trailers_only(code, None)]
}

#[test]
fn every_cause_and_every_reason_has_its_own_row() {
    for (at, (cause, _)) in BY_CAUSE.into_iter().enumerate() {
        assert_eq!(cause as usize, at, "{cause:?}");
    }
    assert_eq!(BY_REASON.map(|(reason, ..)| reason), REASONS);
}

#[test]
fn what_the_code_says_is_what_the_table_says() {
    for (cause, row) in BY_CAUSE.into_iter().filter(|(cause, _)| *cause != Cause::Local) {
        for code in CODES {
            assert_eq!(Outcome { code, reason: None, cause }.blame(), row[code as usize], "{cause:?} {code}");
        }
    }
    for (reason, own, theirs) in BY_REASON {
        assert_eq!(Outcome::local(reason).blame(), own, "{reason}");
        let told = Outcome::trailers_only(Outcome::code_of(reason), Some(reason));
        assert_eq!(told.blame(), theirs, "{reason} of the other sidecar");
    }
}

#[test]
fn an_endpoint_fails_exactly_where_it_is_to_blame() {
    let told = REASONS.map(|reason| Outcome::trailers_only(Outcome::code_of(reason), Some(reason)));
    for outcome in all().into_iter().chain(REASONS.map(Outcome::local)).chain(told) {
        let failed = outcome.verdict() == Verdict::Failure;
        assert_eq!(failed, outcome.blame() == Blame::Endpoint, "{outcome:?}");
    }
}

#[test]
fn of_an_applications_own_answers_unavailable_alone_is_its_instances() {
    for code in CODES {
        for answer in answers(code) {
            let expected = if code == Code::Unavailable { Verdict::Failure } else { Verdict::Success };
            assert_eq!(answer.verdict(), expected, "{answer:?}: any answer proves that it lives");
        }
    }
}

#[test]
fn what_broke_without_the_callers_doing_is_the_instances() {
    for outcome in [
        Outcome::connect_failed(),
        Outcome::connection_lost(),
        Outcome::missing_status(),
        Outcome::per_try(),
        Outcome::http(503),
    ] {
        assert_eq!(outcome.blame(), Blame::Endpoint, "{outcome:?}");
    }
    for code in (0x0..=0xd).chain([0xffff]) {
        let expected = match code {
            0x7 => Blame::Nobody, // REFUSED_STREAM: how a server stops, or holds back
            0x8 => Blame::Nobody, // CANCEL: what its caller no longer wants
            0xb => Blame::Caller, // ENHANCE_YOUR_CALM
            _ => Blame::Endpoint,
        };
        assert_eq!(Outcome::reset(code).blame(), expected, "reset with {code:#x}");
        let reset = Outcome::reset(code);
        if code != 0x7 {
            let told = Outcome::trailers_only(reset.code, reset.reason);
            assert_eq!(told.blame(), expected, "the same, told by the sidecar of the endpoint");
        }
    }
}

#[test]
fn deadlines_cancels_refusals_and_malformed_answers_are_no_instances_fault() {
    for (outcome, blame) in [
        (Outcome::deadline(), Blame::Caller),
        (Outcome::cancelled(), Blame::Caller),
        (Outcome::cap(), Blame::Service),
        (Outcome::malformed(), Blame::Service),
        (Outcome::answer_over_limit(), Blame::Service),
        (Outcome::local_fault(), Blame::Mesh),
        (Outcome::local(Reason::Denied), Blame::Caller),
        (Outcome::refused(), Blame::Nobody),
    ] {
        assert_eq!((outcome.blame(), outcome.verdict()), (blame, Verdict::Neutral), "{outcome:?}");
    }
    assert!(REASONS.into_iter().all(|reason| Outcome::local(reason).verdict() == Verdict::Neutral));
}

#[test]
fn what_the_mesh_did_at_the_other_end_is_no_instances_fault_unless_its_application_is_gone() {
    let charged = REASONS.into_iter().filter(|reason| {
        Outcome::trailers_only(Outcome::code_of(*reason), Some(*reason)).verdict() == Verdict::Failure
    });
    assert_eq!(charged.collect::<Vec<_>>(), [Reason::ConnectFailed, Reason::UpstreamReset]);
}

#[test]
fn a_call_failed_by_one_of_six_statuses_wherever_they_come_from() {
    let faults: HashSet<_> = FAULTS.into_iter().collect();
    for outcome in all() {
        assert_eq!(outcome.is_success(), !faults.contains(&outcome.code), "{outcome:?}");
    }
    let callers = CODES.into_iter().filter(|code| !faults.contains(code)).count();
    assert_eq!(callers, 11, "OK and ten that are the caller's");
}
