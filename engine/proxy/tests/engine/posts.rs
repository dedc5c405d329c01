//! Calls of an engine to its control plane: what goes out, what comes back, and that time is kept.

use crate::authority::{Authority, Folder};
use crate::caller::PATIENCE;
use crate::control_plane::ControlPlane;
use crate::mesh;
use std::net::TcpListener;
use std::time::{Duration, Instant};
use tulle_proxy::proto::EngineConfig;
use tulle_proxy::{Engine, Phase, PostError};

pub(crate) const FRONT: &str = "spiffe://shop.local/shop/front";
const LATE: Duration = Duration::from_millis(50);

/// An engine that has joined; it need not run to call its control plane.
pub(crate) struct Joined {
    pub(crate) engine: Engine,
    _folder: Folder,
}

impl Joined {
    pub(crate) fn with(authority: &Authority) -> Self {
        let folder = Folder::new();
        let config = EngineConfig { identity_dir: folder.0.display().to_string(), ..mesh::config() };
        let engine = Engine::new(config).expect("a good config");
        authority.issue(&engine, FRONT);
        Self { engine, _folder: folder }
    }

    pub(crate) fn post(&self, to: &ControlPlane, method: &str) -> Result<(), PostError> {
        self.engine.post(&to.address.to_string(), &format!("/t.Sink/{method}"), b"reading", PATIENCE)
    }
}

#[test]
fn a_request_goes_out_as_grpc_has_it_and_is_answered() {
    let authority = Authority::new();
    let (control_plane, joined) = (ControlPlane::start(&authority), Joined::with(&authority));
    joined.post(&control_plane, "Take").expect("taken");
    control_plane.connection();
    let (path, head, body) = control_plane.call();
    assert_eq!(path, "https://control-plane.tulle/t.Sink/Take");
    assert_eq!(body, b"\0\0\0\0\x07reading");
    let names = ["te", "content-type"].map(|name| head[name].to_str().expect("text"));
    assert_eq!(names, ["trailers", "application/grpc"]);
    assert!(head["grpc-timeout"].to_str().expect("text").starts_with("19"), "{head:?}");
    control_plane.saw_no_more();
}

#[test]
fn many_calls_share_a_connection() {
    let authority = Authority::new();
    let (control_plane, joined) = (ControlPlane::start(&authority), Joined::with(&authority));
    for _ in 0..20 {
        joined.post(&control_plane, "Take").expect("taken");
    }
    control_plane.connection();
    for _ in 0..20 {
        control_plane.call();
    }
    control_plane.saw_no_more();
}

#[test]
fn a_name_is_looked_up_and_all_its_addresses_are_tried() {
    let authority = Authority::new();
    let (control_plane, joined) = (ControlPlane::start(&authority), Joined::with(&authority));
    let address = format!("localhost:{}", control_plane.address.port());
    joined.engine.post(&address, "/t.Sink/Take", b"", PATIENCE).expect("taken");
}

#[test]
fn a_request_far_over_the_window_arrives_whole() {
    let authority = Authority::new();
    let (control_plane, joined) = (ControlPlane::start(&authority), Joined::with(&authority));
    let message: Vec<u8> = (0..1 << 20).map(|at: usize| (at * 31 % 251) as u8).collect();
    let address = control_plane.address.to_string();
    joined.engine.post(&address, "/t.Sink/Take", &message, PATIENCE).expect("taken");
    control_plane.connection();
    let (_, _, body) = control_plane.call();
    assert!(body[5..] == message, "{} bytes arrived", body.len());
}

#[test]
fn a_request_over_grpcs_bound_is_not_sent() {
    let authority = Authority::new();
    let (control_plane, joined) = (ControlPlane::start(&authority), Joined::with(&authority));
    let message = vec![0; (4 << 20) + 1];
    let refused = joined.engine.post(&control_plane.address.to_string(), "/t.Sink/Take", &message, PATIENCE);
    assert!(matches!(refused, Err(PostError::TooLarge { .. })), "{refused:?}");
    control_plane.saw_no_more();
}

/// A call of 200 ms fails in `wanted`. Where the machine is busy it may be late once, or in an earlier phase; not each time.
fn fails_in_time(wanted: Phase, post: impl Fn(Duration) -> Result<(), PostError>) {
    let timeout = Duration::from_millis(200);
    let mut seen = Vec::new();
    for _ in 0..3 {
        let began = Instant::now();
        let Err(PostError::Deadline { phase, .. }) = post(timeout) else { panic!("no deadline") };
        let late = began.elapsed().checked_sub(timeout).expect("not before its time");
        if late < LATE && phase == wanted {
            return;
        }
        seen.push((phase, late));
    }
    panic!("{seen:?}, not {wanted:?}")
}

#[test]
fn a_control_plane_that_never_answers_costs_the_deadline() {
    let authority = Authority::new();
    let (control_plane, joined) = (ControlPlane::start(&authority), Joined::with(&authority));
    let address = control_plane.address.to_string();
    fails_in_time(Phase::Answer, |timeout| joined.engine.post(&address, "/t.Sink/Hang", b"reading", timeout));
}

#[test]
fn one_that_never_gives_window_costs_the_deadline() {
    let authority = Authority::new();
    let (control_plane, joined) = (ControlPlane::start(&authority), Joined::with(&authority));
    let (address, message) = (control_plane.address.to_string(), vec![0; 1 << 20]);
    fails_in_time(Phase::Sending, |timeout| joined.engine.post(&address, "/t.Sink/Hang", &message, timeout));
}

#[test]
fn one_that_never_shakes_hands_costs_the_deadline() {
    let joined = Joined::with(&Authority::new());
    let mute = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = mute.local_addr().expect("an address").to_string();
    fails_in_time(Phase::Handshake, |timeout| joined.engine.post(&address, "/t.Sink/Take", b"reading", timeout));
}

#[test]
fn no_time_at_all_is_a_deadline_passed() {
    let authority = Authority::new();
    let (control_plane, joined) = (ControlPlane::start(&authority), Joined::with(&authority));
    let refused = joined.engine.post(&control_plane.address.to_string(), "/t.Sink/Take", b"", Duration::ZERO);
    let error = refused.expect_err("no time").to_string();
    assert_eq!(error, format!("deadline of 0ns passed while connecting to {}", control_plane.address));
}
