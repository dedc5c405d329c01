//! Two engines with mTLS between them.

use crate::authority::{Authority, Folder};
use crate::callee::{Callee, LARGE};
use crate::caller::{Caller, PATIENCE, run};
use crate::mesh::{self, Policy};
use crate::slow_reader::SlowReader;
use prost::Message;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tulle_proxy::Engine;
use tulle_proxy::identity::Identity;
use tulle_proxy::proto::{AccessAction, AccessRule, EngineConfig, Inbound, Snapshot};

const FRONT: &str = "spiffe://shop.local/shop/front";
const ECHO: &str = "spiffe://shop.local/shop/echo";

/// A sidecar beside the callee.
struct Sidecar {
    engine: Engine,
    address: SocketAddr,
    _folder: Folder,
}

fn inbound(authority: &Authority, application: SocketAddr, rules: Vec<AccessRule>) -> Sidecar {
    beside(authority, &[application], rules)
}

/// Beside an application that listens at one of `places`.
fn beside(authority: &Authority, places: &[SocketAddr], rules: Vec<AccessRule>) -> Sidecar {
    let folder = Folder::new();
    let config = EngineConfig {
        service: "shop/echo".into(),
        instance: "echo-1".into(),
        inbound_listen: "127.0.0.1:0".into(),
        application: places[0].to_string(),
        application_also: places[1..].iter().map(SocketAddr::to_string).collect(),
        identity_dir: folder.0.display().to_string(),
        workers: 1,
        ..Default::default()
    };
    let engine = Engine::new(config).expect("a good config");
    engine.apply(&inbound_policy(rules).encode_to_vec()).expect("a good snapshot");
    authority.issue(&engine, ECHO);
    let address = engine.start().expect("started").inbound.parse().expect("an address");
    Sidecar { engine, address, _folder: folder }
}

fn inbound_policy(rules: Vec<AccessRule>) -> Snapshot {
    let inbound = Inbound {
        identity: ECHO.into(),
        service: "shop/echo".into(),
        rules,
        circuit_breaker: Some(mesh::breaker()),
        ..Default::default()
    };
    Snapshot { revision: 7, trust_domain: "shop.local".into(), inbound: Some(inbound), ..Default::default() }
}

fn allow(identity: &str) -> AccessRule {
    AccessRule {
        policy: "shop/callers".into(),
        action: AccessAction::Allow.into(),
        identities: vec![identity.into()],
        methods: vec!["t.Echo/*".into()],
        ..Default::default()
    }
}

/// A sidecar beside the caller that expects `expected` at `address`.
fn outbound(authority: &Authority, address: SocketAddr, expected: &str) -> (Engine, String, Folder) {
    let (engine, outbound, folder) = unproven(&[address], expected);
    authority.issue(&engine, FRONT);
    (engine, outbound, folder)
}

/// One that has no identity yet.
fn unproven(addresses: &[SocketAddr], expected: &str) -> (Engine, String, Folder) {
    let folder = Folder::new();
    let config = EngineConfig { identity_dir: folder.0.display().to_string(), ..mesh::config() };
    let engine = Engine::new(config).expect("a good config");
    let mut policy = Policy::to(addresses);
    for endpoint in &mut policy.snapshot.clusters[0].endpoints {
        endpoint.identity = expected.into();
    }
    engine.apply(&policy.bytes()).expect("a good snapshot");
    let addresses = engine.start().expect("started");
    (engine, addresses.outbound, folder)
}

#[test]
fn an_allowed_call_crosses_both_sidecars_whole() {
    run(async {
        let (authority, callee) = (Authority::new(), Callee::start());
        let sidecar = inbound(&authority, callee.address, vec![allow(FRONT)]);
        let (engine, address, _folder) = outbound(&authority, sidecar.address, ECHO);
        let caller = Caller::connect(&address, "echo.shop").await;
        let message: Vec<u8> = (0..3 << 20).map(|at: usize| (at * 31 % 251) as u8).collect();
        let reply = caller.unary("Unary", &message).await;
        assert_eq!(reply.status(), "0", "{reply:?}");
        assert!(reply.body == message, "{} bytes came back", reply.body.len());
        for _ in 0..50 {
            let reply = caller.unary("Unary", b"small").await;
            assert_eq!((reply.status(), &*reply.body), ("0", b"small".as_slice()));
        }
        assert_eq!(callee.seen.connections.load(SeqCst), 1);
        let series = &mesh::telemetry(&engine).calls[0];
        assert!(series.mtls && series.count == 51);
        let series = &mesh::telemetry(&sidecar.engine).calls[0];
        assert_eq!((&*series.peer, series.count, series.mtls), (FRONT, 51, true));
    });
}

#[test]
fn the_application_is_dialled_where_the_agent_found_it() {
    run(async {
        let (authority, callee) = (Authority::new(), Callee::start());
        let closed = TcpListener::bind("[::1]:0").and_then(|free| free.local_addr()).expect("a free port");
        let sidecar = beside(&authority, &[closed, callee.address], vec![allow(FRONT)]);
        let (_first, address, _folder) = outbound(&authority, sidecar.address, ECHO);
        let caller = Caller::connect(&address, "echo.shop").await;
        assert_eq!(caller.unary("Unary", b"x").await.reason(), "connect_failed");
        sidecar.engine.use_application(&callee.address.to_string()).expect("one of its addresses");
        let refused = sidecar.engine.use_application("127.0.0.1:1").expect_err("none of its addresses").to_string();
        assert!(refused.contains("application") && refused.contains("127.0.0.1:1"), "{refused}");
        // Another caller's sidecar: the first one has ejected the endpoint for a moment.
        let (_second, address, _folder) = outbound(&authority, sidecar.address, ECHO);
        let caller = Caller::connect(&address, "echo.shop").await;
        assert_eq!(caller.unary("Unary", b"x").await.status(), "0");
    });
}

#[test]
fn a_call_that_no_policy_allows_is_denied_before_the_application() {
    run(async {
        let (authority, callee) = (Authority::new(), Callee::start());
        let sidecar = inbound(&authority, callee.address, vec![allow("spiffe://shop.local/shop/other")]);
        let (_engine, address, _folder) = outbound(&authority, sidecar.address, ECHO);
        let caller = Caller::connect(&address, "echo.shop").await;
        let reply = caller.unary("Unary", b"x").await;
        assert_eq!((reply.status(), reply.reason()), ("7", "denied"), "{reply:?}");
        assert!(reply.message().contains(FRONT) && reply.message().contains("revision 7"), "{}", reply.message());
        assert_eq!(callee.seen.calls.load(SeqCst), 0);
        assert_eq!(callee.seen.connections.load(SeqCst), 0);
        let series = &mesh::telemetry(&sidecar.engine).calls[0];
        assert_eq!((&*series.peer, &*series.method, &*series.reason), (FRONT, "t.Echo/Unary", "denied"));
    });
}

#[test]
fn a_policy_that_is_applied_holds_for_the_next_call_on_the_same_connection() {
    run(async {
        let (authority, callee) = (Authority::new(), Callee::start());
        let sidecar = inbound(&authority, callee.address, vec![]);
        let (_engine, address, _folder) = outbound(&authority, sidecar.address, ECHO);
        let caller = Caller::connect(&address, "echo.shop").await;
        assert_eq!(caller.unary("Unary", b"x").await.status(), "7");
        let policy = Snapshot { revision: 8, ..inbound_policy(vec![allow(FRONT)]) };
        sidecar.engine.apply(&policy.encode_to_vec()).expect("a good snapshot");
        assert_eq!(caller.unary("Unary", b"x").await.status(), "0");
        assert_eq!(mesh::counter(&sidecar.engine, "tulle.connections.accepted", "inbound"), 1);
    });
}

#[test]
fn a_server_that_proves_another_identity_gets_no_call() {
    run(async {
        let (authority, callee) = (Authority::new(), Callee::start());
        let sidecar = inbound(&authority, callee.address, vec![allow(FRONT)]);
        let (_engine, address, _folder) = outbound(&authority, sidecar.address, "spiffe://shop.local/shop/payments");
        let caller = Caller::connect(&address, "echo.shop").await;
        let reply = caller.unary("Unary", b"x").await;
        assert_eq!((reply.status(), reply.reason()), ("14", "connect_failed"), "{reply:?}");
        assert!(reply.message().contains(ECHO), "{}", reply.message());
        assert_eq!(callee.seen.calls.load(SeqCst), 0);
    });
}

#[test]
fn a_caller_of_another_authority_is_refused() {
    run(async {
        let (authority, callee) = (Authority::new(), Callee::start());
        let sidecar = inbound(&authority, callee.address, vec![allow(FRONT)]);
        let (_engine, address, _folder) = outbound(&Authority::new(), sidecar.address, ECHO);
        let caller = Caller::connect(&address, "echo.shop").await;
        assert_eq!(caller.unary("Unary", b"x").await.reason(), "connect_failed");
        assert_eq!(callee.seen.connections.load(SeqCst), 0);
    });
}

#[test]
fn plaintext_is_refused_on_the_inbound_listener() {
    run(async {
        let (authority, callee) = (Authority::new(), Callee::start());
        let sidecar = inbound(&authority, callee.address, vec![allow(FRONT)]);
        let mut stream = tokio::net::TcpStream::connect(sidecar.address).await.expect("connected");
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.expect("written");
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        assert!(!answer.windows(4).any(|four| four == [0, 0, 0, 4]), "no SETTINGS: {answer:?}");
        assert_eq!(mesh::counter(&sidecar.engine, "tulle.connections.refused", "plaintext"), 1);
        assert_eq!(callee.seen.connections.load(SeqCst), 0);
    });
}

#[test]
fn a_renewed_identity_closes_no_connection() {
    run(async {
        let (authority, callee) = (Authority::new(), Callee::start());
        let sidecar = inbound(&authority, callee.address, vec![allow(FRONT)]);
        let (engine, address, _folder) = outbound(&authority, sidecar.address, ECHO);
        let caller = Caller::connect(&address, "echo.shop").await;
        assert_eq!(caller.unary("Unary", b"x").await.status(), "0");
        authority.issue(&engine, FRONT);
        authority.issue(&sidecar.engine, ECHO);
        assert_eq!(caller.unary("Unary", b"x").await.status(), "0");
        assert_eq!(mesh::counter(&sidecar.engine, "tulle.connections.accepted", "inbound"), 1);
    });
}

#[test]
fn a_peer_that_says_more_after_its_goodbye_holds_up_nobody() {
    run(async {
        let (authority, callee) = (Authority::new(), Callee::start());
        let sidecar = inbound(&authority, callee.address, vec![allow(FRONT)]);
        let identity = Identity::open(None).expect("an identity");
        let chain = authority.sign(&identity.create_csr().expect("a request"), FRONT);
        identity.set(chain.as_bytes(), authority.bundle().as_bytes()).expect("a good identity");
        let mut rude = std::net::TcpStream::connect(sidecar.address).expect("connected");
        say_goodbye(&identity, &mut rude);
        rude.write_all(&[0; 10_000]).expect("written");
        let (_engine, address, _folder) = outbound(&authority, sidecar.address, ECHO);
        let caller = Caller::connect(&address, "echo.shop").await;
        assert_eq!(caller.unary("Unary", b"x").await.status(), "0");
    });
}

/// A whole handshake, and a close_notify after it.
fn say_goodbye(identity: &Identity, socket: &mut std::net::TcpStream) {
    let config = identity.client_config(ECHO).expect("an identity");
    let name = "127.0.0.1".try_into().expect("an address");
    let mut session = rustls::ClientConnection::new(config, name).expect("a session");
    while session.is_handshaking() {
        session.complete_io(socket).expect("a handshake");
    }
    session.send_close_notify();
    session.complete_io(socket).expect("written");
}

#[test]
fn a_sidecar_that_has_no_identity_yet_holds_it_against_nobody() {
    run(async {
        let (authority, callee) = (Authority::new(), Callee::start());
        let sidecar = inbound(&authority, callee.address, vec![allow(FRONT)]);
        let (engine, address, _folder) = unproven(&[sidecar.address], ECHO);
        let caller = Caller::connect(&address, "echo.shop").await;
        for _ in 0..20 {
            let reply = caller.unary("Unary", b"x").await;
            assert_eq!((reply.status(), reply.reason()), ("14", "connect_failed"), "{reply:?}");
            assert!(reply.message().contains("no identity in force"), "{}", reply.message());
        }
        authority.issue(&engine, FRONT);
        assert_eq!(caller.unary("Unary", b"x").await.status(), "0");
    });
}

#[test]
fn a_call_sent_before_a_server_refused_our_certificate_goes_to_another() {
    run(async {
        let (ours, theirs, callee) = (Authority::new(), Authority::new(), Callee::start());
        let sidecar = inbound(&ours, callee.address, vec![allow(FRONT)]);
        // It is known here, and knows nothing of our authority.
        let refusing = inbound(&theirs, callee.address, vec![allow(FRONT)]);
        let (engine, address, _folder) = unproven(&[refusing.address, sidecar.address], ECHO);
        ours.issue_trusting(&theirs, &engine, FRONT);
        let caller = Caller::connect(&address, "echo.shop").await;
        for _ in 0..6 {
            let reply = caller.unary("Unary", b"x").await;
            assert_eq!(reply.status(), "0", "{reply:?}");
        }
        assert_eq!(callee.seen.calls.load(SeqCst), 6);
        assert!(mesh::counter(&refusing.engine, "tulle.connections.refused", "tls") > 0);
    });
}

#[test]
fn a_reply_that_is_read_slowly_is_whole_whichever_of_two_sidecars_stops() {
    for stops in ["caller's", "callee's"] {
        let (authority, callee) = (Authority::new(), Callee::start());
        let sidecar = inbound(&authority, callee.address, vec![allow(FRONT)]);
        let (engine, address, _folder) = outbound(&authority, sidecar.address, ECHO);
        let mut caller = SlowReader::call(&address);
        let stopping = std::thread::spawn(move || {
            let stopped = if stops == "caller's" { &engine } else { &sidecar.engine };
            let all_ended = stopped.shutdown(PATIENCE);
            (all_ended, mesh::counter(stopped, "tulle.rpcs_broken_by_mesh", "shutdown"), engine, sidecar)
        });
        caller.read_slowly(8 * 1024, Duration::from_millis(20));
        assert_eq!((caller.bytes, caller.status.as_deref()), (LARGE, Some("0")), "the {stops} stops");
        drop(caller);
        let (all_ended, broken, ..) = stopping.join().expect("joined");
        assert_eq!((all_ended, broken), (true, 0), "the {stops} stops");
    }
}
