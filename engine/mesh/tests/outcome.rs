//! The one classifier.

use tulle_mesh::outcome::{Execution, Outcome};
use tulle_mesh::reason::{REASONS, Reason};
use tulle_mesh::status::{CODES, Code};

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
fn what_never_left_proves_that_the_server_never_saw_the_call() {
    for outcome in [Outcome::connect_failed(), Outcome::refused(), Outcome::reset(0x7), Outcome::local_fault()] {
        assert_eq!(outcome.execution(), Execution::NotSeen, "{outcome:?}");
    }
}

#[test]
fn neither_a_lost_connection_nor_any_answer_of_the_application_is_proof() {
    let answers =
        CODES.into_iter().flat_map(|code| [Outcome::trailers(code, None), Outcome::trailers_only(code, None)]);
    let breaks = [Outcome::connection_lost(), Outcome::reset(0x2), Outcome::http(503), Outcome::malformed()];
    let times = [Outcome::deadline(), Outcome::per_try(), Outcome::cap()];
    for outcome in answers.chain(breaks).chain(times) {
        assert_eq!(outcome.execution(), Execution::Possible, "{outcome:?}");
    }
}

#[test]
fn a_proven_sidecars_reason_says_whether_the_application_was_reached() {
    let told = |reason| Outcome::trailers_only(Outcome::code_of(reason), Some(reason)).execution();
    for reason in REASONS {
        let expected = match reason {
            Reason::ConnectFailed | Reason::Draining => Execution::NotSeen,
            Reason::NoEndpoints | Reason::QueueFull | Reason::BreakerOpen | Reason::RateLimited | Reason::Shed => {
                Execution::Withheld
            }
            _ => Execution::Possible,
        };
        assert_eq!(told(reason), expected, "{reason}");
    }
    let odd = Outcome::trailers_only(Code::Ok, Some(Reason::ConnectFailed));
    assert_eq!(odd.execution(), Execution::Possible, "what succeeded was executed");
}

#[test]
fn each_reason_has_its_status_and_reads_back_from_its_text() {
    assert_eq!(Outcome::local(Reason::QueueFull).code, Code::ResourceExhausted);
    assert_eq!(Outcome::local(Reason::NoEndpoints).code, Code::Unavailable);
    assert_eq!(Outcome::local(Reason::HeaderLimit).code, Code::ResourceExhausted);
    assert_eq!(Outcome::local(Reason::Denied).code, Code::PermissionDenied);
    assert_eq!(Outcome::local(Reason::NoRoute).code, Code::Unimplemented);
    assert_eq!(Outcome::local(Reason::UnknownService).code, Code::Unavailable, "its callers may start before it");
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
