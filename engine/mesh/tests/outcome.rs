//! The one classifier.

use tulle_mesh::outcome::{Execution, Outcome, Verdict};
use tulle_mesh::reason::{REASONS, Reason};
use tulle_mesh::status::{CODES, Code};

#[test]
fn statuses_in_trailers_and_in_headers_are_judged_alike() {
    for code in CODES {
        let (late, early) = (Outcome::trailers(code, None), Outcome::trailers_only(code, None));
        assert_eq!((late.verdict(), late.is_success()), (early.verdict(), early.is_success()), "{code}");
    }
}

#[test]
fn failures_are_the_servers_and_never_the_callers() {
    let failing: Vec<_> =
        CODES.into_iter().filter(|code| Outcome::trailers(*code, None).verdict() == Verdict::Failure).collect();
    assert_eq!(failing, [Code::DeadlineExceeded, Code::Internal, Code::Unavailable, Code::DataLoss]);
    for code in [Code::PermissionDenied, Code::Unauthenticated, Code::NotFound, Code::InvalidArgument] {
        assert_eq!(Outcome::trailers(code, None).verdict(), Verdict::Success, "{code}");
    }
}

#[test]
fn resource_exhausted_counts_for_the_success_rate_only() {
    let outcome = Outcome::trailers(Code::ResourceExhausted, None);
    assert_eq!((outcome.verdict(), outcome.is_success()), (Verdict::Neutral, false));
}

#[test]
fn unknown_is_a_failure_from_a_reset_and_the_applications_own_word_otherwise() {
    assert_eq!(Outcome::missing_status().verdict(), Verdict::Failure);
    assert!(!Outcome::missing_status().is_success());
    assert_eq!(Outcome::trailers(Code::Unknown, None).verdict(), Verdict::Success);
}

#[test]
fn reset_codes_map_as_grpc_says() {
    let code = |error_code| Outcome::reset(error_code).code;
    assert_eq!(code(0x0), Code::Internal);
    assert_eq!(code(0x2), Code::Internal);
    assert_eq!(code(0x7), Code::Unavailable);
    assert_eq!(code(0x8), Code::Cancelled);
    assert_eq!(code(0xb), Code::ResourceExhausted);
    assert_eq!(code(0xc), Code::PermissionDenied);
    assert_eq!(code(0xffff), Code::Internal);
}

#[test]
fn http_statuses_map_as_grpc_says() {
    let code = |status| Outcome::http(status).code;
    assert_eq!(code(400), Code::Internal);
    assert_eq!(code(401), Code::Unauthenticated);
    assert_eq!(code(403), Code::PermissionDenied);
    assert_eq!(code(404), Code::Unimplemented);
    for status in [429, 502, 503, 504] {
        assert_eq!(code(status), Code::Unavailable);
    }
    assert_eq!((code(200), code(500)), (Code::Unknown, Code::Unknown));
}

#[test]
fn three_causes_prove_that_the_server_never_saw_the_call() {
    for outcome in [Outcome::connect_failed(), Outcome::refused(), Outcome::reset(0x7)] {
        assert_eq!(outcome.execution(), Execution::NotSeen);
    }
}

#[test]
fn a_lost_connection_is_no_proof() {
    for outcome in [Outcome::connection_lost(), Outcome::reset(0x2), Outcome::deadline(), Outcome::http(503)] {
        assert_eq!(outcome.execution(), Execution::Possible);
    }
}

#[test]
fn unavailable_as_a_trailers_only_reply_is_proof_and_after_headers_it_is_none() {
    assert_eq!(Outcome::trailers_only(Code::Unavailable, None).execution(), Execution::Declined);
    assert_eq!(Outcome::trailers(Code::Unavailable, None).execution(), Execution::Possible);
    assert_eq!(Outcome::trailers_only(Code::Internal, None).execution(), Execution::Possible);
}

#[test]
fn what_the_peers_proxy_says_tells_more_than_its_status() {
    let told = |reason| Outcome::trailers_only(Code::Unavailable, Some(reason)).execution();
    assert_eq!(told(Reason::UpstreamReset), Execution::Possible);
    assert_eq!(told(Reason::ConnectFailed), Execution::NotSeen);
    assert_eq!(told(Reason::Draining), Execution::NotSeen);
    assert_eq!(told(Reason::Shed), Execution::Declined);
    // A server that puts our trailer on its own answer does not get it executed again.
    let forged = Outcome::trailers_only(Code::Ok, Some(Reason::ConnectFailed));
    assert_eq!(forged.execution(), Execution::Possible);
}

#[test]
fn the_proxys_own_refusals_and_the_callers_cancel_say_nothing_about_the_endpoint() {
    for reason in REASONS {
        assert_eq!(Outcome::local(reason).verdict(), Verdict::Neutral, "{reason}");
    }
    assert_eq!(Outcome::cancelled().verdict(), Verdict::Neutral);
    assert_eq!(Outcome::connect_failed().verdict(), Verdict::Failure);
    assert_eq!(Outcome::deadline().verdict(), Verdict::Failure);
}

#[test]
fn each_reason_has_its_status_and_reads_back_from_its_text() {
    assert_eq!(Outcome::local(Reason::QueueFull).code, Code::ResourceExhausted);
    assert_eq!(Outcome::local(Reason::NoEndpoints).code, Code::Unavailable);
    assert_eq!(Outcome::local(Reason::HeaderLimit).code, Code::ResourceExhausted);
    assert_eq!(Outcome::local(Reason::Denied).code, Code::PermissionDenied);
    assert_eq!(Outcome::local(Reason::Deadline).code, Code::DeadlineExceeded);
    for reason in REASONS {
        assert_eq!(Reason::from_header(reason.as_str().as_bytes()), Some(reason));
    }
    assert_eq!(Reason::from_header(b"bad_luck"), None);
}

#[test]
fn a_status_field_is_read_as_grpc_reads_it() {
    for code in CODES {
        assert_eq!(Code::from_header(code.as_header().as_bytes()), code);
        assert_eq!(Code::from_number(code.number()), Some(code));
    }
    for odd in [&b"17"[..], b"", b"x", b"-1", b"100", b"1x"] {
        assert_eq!(Code::from_header(odd), Code::Unknown);
    }
}
