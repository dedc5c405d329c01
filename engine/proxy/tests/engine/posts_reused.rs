//! The connection to the control plane is used again, and given up where it can no longer be.

use crate::authority::Authority;
use crate::control_plane::{ControlPlane, Seen};
use crate::posts::{FRONT, Joined};
use tulle_proxy::PostError;

/// One call that went through, on a connection that stays unless `method` ends it.
fn after(method: &str) -> (Authority, ControlPlane, Joined) {
    let authority = Authority::new();
    let control_plane = ControlPlane::start(&authority);
    after_on(authority, control_plane, method)
}

fn after_on(authority: Authority, control_plane: ControlPlane, method: &str) -> (Authority, ControlPlane, Joined) {
    let joined = Joined::with(&authority);
    joined.post(&control_plane, method).expect("taken");
    control_plane.connection();
    control_plane.call();
    (authority, control_plane, joined)
}

#[test]
fn a_connection_that_was_closed_meanwhile_costs_nothing() {
    let (_authority, control_plane, joined) = after("Close");
    assert!(matches!(control_plane.next(), Seen::Closed));
    joined.post(&control_plane, "Take").expect("taken");
    control_plane.connection();
    control_plane.call();
    control_plane.saw_no_more();
}

#[test]
fn a_connection_that_was_reset_meanwhile_costs_nothing() {
    let authority = Authority::new();
    let control_plane = ControlPlane::abrupt(&authority);
    let (_authority, control_plane, joined) = after_on(authority, control_plane, "Close");
    assert!(matches!(control_plane.next(), Seen::Closed));
    joined.post(&control_plane, "Take").expect("taken");
    control_plane.connection();
    control_plane.call();
    control_plane.saw_no_more();
}

#[test]
fn an_answer_is_taken_though_the_connection_is_reset_behind_it() {
    for _ in 0..10 {
        let authority = Authority::new();
        let control_plane = ControlPlane::abrupt(&authority);
        let (_authority, control_plane, _joined) = after_on(authority, control_plane, "CloseLong");
        assert!(matches!(control_plane.next(), Seen::Closed));
    }
}

#[test]
fn after_a_goaway_the_next_call_has_a_new_connection() {
    let (_authority, control_plane, joined) = after("Leave");
    joined.post(&control_plane, "Take").expect("taken");
    let mut rest = vec![control_plane.next(), control_plane.next(), control_plane.next()];
    rest.retain(|seen| !matches!(seen, Seen::Closed));
    assert!(matches!(*rest, [Seen::Connection(_), Seen::Call { .. }]), "{rest:?}");
}

#[test]
fn a_kept_connection_that_ends_before_an_answer_is_followed_by_another() {
    let (_authority, control_plane, joined) = after("Take");
    let lost = joined.post(&control_plane, "Die");
    // It dies each time: tried twice, then told.
    assert!(matches!(lost, Err(PostError::Lost { .. })), "{lost:?}");
    control_plane.call();
    assert!(matches!(control_plane.next(), Seen::Closed));
    control_plane.connection();
    control_plane.call();
    assert!(matches!(control_plane.next(), Seen::Closed));
    control_plane.saw_no_more();
}

#[test]
fn a_new_connection_that_ends_before_an_answer_is_the_end() {
    let authority = Authority::new();
    let (control_plane, joined) = (ControlPlane::start(&authority), Joined::with(&authority));
    let lost = joined.post(&control_plane, "Die").expect_err("lost").to_string();
    assert!(lost.starts_with(&format!("the connection to {} was lost: ", control_plane.address)), "{lost}");
    control_plane.connection();
    control_plane.call();
    assert!(matches!(control_plane.next(), Seen::Closed));
    control_plane.saw_no_more();
}

#[test]
fn a_renewed_identity_is_shown_on_a_new_connection() {
    let authority = Authority::new();
    let (control_plane, joined) = (ControlPlane::start(&authority), Joined::with(&authority));
    joined.post(&control_plane, "Take").expect("taken");
    let before = control_plane.connection();
    control_plane.call();
    authority.issue(&joined.engine, FRONT);
    joined.post(&control_plane, "Take").expect("taken");
    let mut rest = vec![control_plane.next(), control_plane.next(), control_plane.next()];
    rest.retain(|seen| !matches!(seen, Seen::Closed));
    let [Seen::Connection(now), Seen::Call { .. }] = &*rest else { panic!("{rest:?}") };
    assert_ne!(now, &before);
}

#[test]
fn another_address_has_another_connection() {
    let (authority, first, joined) = after("Take");
    let second = ControlPlane::start(&authority);
    joined.post(&second, "Take").expect("taken");
    second.connection();
    second.call();
    assert!(matches!(first.next(), Seen::Closed));
}

#[test]
fn a_ping_between_two_calls_is_answered_by_the_next() {
    let (_authority, control_plane, joined) = after("Ping");
    joined.post(&control_plane, "Take").expect("taken");
    let mut rest = vec![control_plane.next(), control_plane.next()];
    rest.retain(|seen| !matches!(seen, Seen::Call { .. }));
    assert!(matches!(*rest, [Seen::Pong]), "{rest:?}");
}
