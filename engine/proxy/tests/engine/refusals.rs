//! What the proxy refuses itself, and in which words.

use crate::callee::Callee;
use crate::caller::{Caller, run};
use crate::mesh::{self, Policy};
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tulle_proxy::{Engine, EngineError};

fn dead_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address")
}

#[test]
fn an_authority_that_the_mesh_does_not_know_is_unavailable() {
    run(async {
        let (_engine, outbound) = mesh::outbound(&Policy::to(&[dead_address()]));
        let caller = Caller::connect(&outbound, "nobody.shop").await;
        let reply = caller.unary("Unary", b"").await;
        assert_eq!((reply.status(), reply.reason()), ("14", "unknown_service"));
        assert!(reply.trailers_only && reply.message().contains("nobody.shop"), "{reply:?}");
    });
}

#[test]
fn an_endpoint_that_nobody_listens_on_fails_to_connect() {
    run(async {
        let (engine, outbound) = mesh::outbound(&Policy::to(&[dead_address()]));
        let caller = Caller::connect(&outbound, "echo.shop").await;
        let reply = caller.unary("Unary", b"x").await;
        assert_eq!((reply.status(), reply.reason()), ("14", "connect_failed"), "{reply:?}");
        let telemetry = mesh::telemetry(&engine);
        assert_eq!(telemetry.calls[0].reason, "connect_failed");
        assert!(telemetry.endpoints[0].failures > 0);
    });
}

#[test]
fn a_deadline_is_kept_and_the_message_says_who_spent_it() {
    run(async {
        let callee = Callee::start();
        let policy = Policy::to(&[callee.address]).route(|route| route.request_timeout = Some(mesh::millis(80)));
        let (_engine, outbound) = mesh::outbound(&policy);
        let caller = Caller::connect(&outbound, "echo.shop").await;
        let started = Instant::now();
        let reply = caller.unary("Hang", b"x").await;
        assert!(started.elapsed() >= Duration::from_millis(80));
        assert_eq!((reply.status(), reply.reason()), ("4", "deadline"), "{reply:?}");
        assert!(reply.message().contains("waiting for an answer of shop/echo"), "{}", reply.message());
        while callee.seen.resets.load(std::sync::atomic::Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn a_callers_deadline_is_rewritten_to_what_is_left() {
    run(async {
        let callee = Callee::start();
        let (_engine, outbound) = mesh::outbound(&Policy::to(&[callee.address]));
        let caller = Caller::connect(&outbound, "echo.shop").await;
        let reply = caller.call(caller.request("Unary").header("grpc-timeout", "5S"), b"x").await;
        assert_eq!(reply.status(), "0");
        let heads = callee.seen.heads.lock().expect("heads");
        let sent = heads[0]["grpc-timeout"].to_str().expect("text");
        let micros: u64 = sent.strip_suffix('u').expect("in microseconds").parse().expect("a number");
        assert!((4_000_000..=5_000_000).contains(&micros), "{sent}");
    });
}

#[test]
fn a_full_breaker_refuses_and_says_so() {
    run(async {
        let callee = Callee::start();
        let policy = Policy::to(&[callee.address])
            .service(|service| service.circuit_breaker.as_mut().expect("a breaker").max_requests = 1);
        let (_engine, outbound) = mesh::outbound(&policy);
        let caller = Caller::connect(&outbound, "echo.shop").await;
        let (_first, _out) = caller.open(caller.request("Hang")).await;
        while callee.seen.calls.load(std::sync::atomic::Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        let reply = caller.unary("Unary", b"x").await;
        assert_eq!((reply.status(), reply.reason()), ("14", "breaker_open"), "{reply:?}");
    });
}

#[test]
fn http_1_is_told_what_is_spoken_here() {
    run(async {
        let (engine, outbound) = mesh::outbound(&Policy::to(&[dead_address()]));
        let mut stream = TcpStream::connect(&outbound).await.expect("connected");
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("written");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("closed");
        assert!(answer.starts_with("HTTP/1.1 426 Upgrade Required\r\n"), "{answer}");
        assert_eq!(mesh::counter(&engine, "tulle.connections.refused", "preface"), 1);
    });
}

#[test]
fn a_busy_port_names_field_address_and_remedy() {
    let busy = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = busy.local_addr().expect("an address").to_string();
    let config = tulle_proxy::proto::EngineConfig { outbound_listen: address.clone(), ..mesh::config() };
    let Err(EngineError::ListenFailed(failed)) = Engine::new(config).expect("a good config").start() else {
        panic!("the port was taken");
    };
    let text = failed.to_string();
    assert!(text.contains("outbound_listen") && text.contains(&address) && text.contains("port 0"), "{text}");
}

#[test]
fn a_bad_snapshot_is_refused_and_the_last_one_stays() {
    run(async {
        let callee = Callee::start();
        let (engine, outbound) = mesh::outbound(&Policy::to(&[callee.address]));
        let bad = Policy::to(&[callee.address]).service(|service| service.routes[0].backends[0].cluster = "x/y".into());
        let Err(EngineError::InvalidSnapshot { resource, .. }) = engine.apply(&bad.bytes()) else { panic!("applied") };
        assert_eq!(resource, "service:shop/echo");
        let caller = Caller::connect(&outbound, "echo.shop").await;
        assert_eq!(caller.unary("Unary", b"x").await.status(), "0");
    });
}
