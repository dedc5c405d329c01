//! Calls to a control plane that refuses, or that is none.

use crate::authority::Authority;
use crate::caller::PATIENCE;
use crate::control_plane::{CONTROL_PLANE, ControlPlane, HOST};
use crate::mesh;
use crate::posts::{FRONT, Joined};
use std::net::TcpListener;
use tulle_proxy::{Engine, PostError};

fn refusal(method: &str) -> String {
    let authority = Authority::new();
    let control_plane = ControlPlane::start(&authority);
    Joined::with(&authority).post(&control_plane, method).expect_err("refused").to_string()
}

#[test]
fn a_status_is_told_wherever_it_stands() {
    assert_eq!(refusal("Refuse"), "the control plane answered UNAVAILABLE (14): not now");
    assert_eq!(refusal("RefuseLate"), "the control plane answered RESOURCE_EXHAUSTED (8): no röom %zz");
}

#[test]
fn an_answer_without_status_is_mapped_as_grpc_has_it() {
    assert_eq!(refusal("Silent"), "the control plane answered UNKNOWN (2): the answer has no grpc-status");
    assert_eq!(refusal("Html"), "the control plane answered UNAVAILABLE (14): http status 503 and no grpc-status");
    let reset = "the control plane answered RESOURCE_EXHAUSTED (8): the stream was reset with ENHANCE_YOUR_CALM";
    assert_eq!(refusal("Reset"), reset);
}

#[test]
fn a_refusal_leaves_the_connection() {
    let authority = Authority::new();
    let (control_plane, joined) = (ControlPlane::start(&authority), Joined::with(&authority));
    for method in ["Refuse", "Take"] {
        let _ = joined.post(&control_plane, method);
    }
    control_plane.connection();
    control_plane.call();
}

#[test]
fn an_answer_over_its_bound_is_no_answer() {
    assert_eq!(refusal("Long"), "the control plane's answer is over 65536 bytes");
}

fn refused_by(authority: &Authority, control_plane: &ControlPlane) -> String {
    let refused = Joined::with(authority).post(control_plane, "Take").expect_err("refused");
    assert!(matches!(refused, PostError::Tls { .. }), "{refused:?}");
    control_plane.saw_no_more();
    refused.to_string()
}

#[test]
fn another_identity_of_the_mesh_is_refused() {
    let authority = Authority::new();
    let text = refused_by(&authority, &ControlPlane::named(&authority, FRONT, HOST));
    assert!(text.contains(FRONT) && text.contains(CONTROL_PLANE), "{text}");
}

#[test]
fn the_control_planes_identity_without_its_host_name_is_refused() {
    let authority = Authority::new();
    let text = refused_by(&authority, &ControlPlane::named(&authority, CONTROL_PLANE, "front.shop"));
    assert!(text.contains("not valid for name"), "{text}");
}

#[test]
fn a_control_plane_of_another_mesh_is_refused() {
    let text = refused_by(&Authority::new(), &ControlPlane::start(&Authority::new()));
    assert!(text.contains("UnknownIssuer") || text.contains("BadSignature"), "{text}");
}

#[test]
fn a_control_plane_that_does_not_take_this_sidecar_says_so() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let joined = Joined::with(&ours);
    ours.issue_trusting(&theirs, &joined.engine, FRONT);
    let stranger = ControlPlane::start(&theirs);
    let refused = joined.post(&stranger, "Take").expect_err("refused").to_string();
    assert!(refused.starts_with(&format!("tls with {} was refused: ", stranger.address)), "{refused}");
    assert!(refused.contains("received fatal alert"), "{refused}");
}

#[test]
fn nobody_there_is_told_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address").to_string();
    drop(listener);
    let joined = Joined::with(&Authority::new());
    let refused = joined.engine.post(&address, "/t.Sink/Take", b"", PATIENCE).expect_err("nobody").to_string();
    assert!(refused.starts_with(&format!("cannot connect to {address}: ")), "{refused}");
}

#[test]
fn an_address_without_port_is_told() {
    let joined = Joined::with(&Authority::new());
    let refused = joined.engine.post("127.0.0.1", "/t.Sink/Take", b"", PATIENCE).expect_err("no port").to_string();
    assert!(refused.starts_with("cannot resolve 127.0.0.1: "), "{refused}");
}

#[test]
fn without_identity_there_is_nobody_to_speak_for() {
    let engine = Engine::new(mesh::config()).expect("a good config");
    let refused = engine.post("127.0.0.1:1", "/t.Sink/Take", b"", PATIENCE);
    assert!(matches!(refused, Err(PostError::NoIdentity)), "{refused:?}");
}
