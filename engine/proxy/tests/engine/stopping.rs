//! Draining and stopping: calls in flight end, nothing is broken within the grace.

use crate::callee::{Callee, LARGE};
use crate::caller::{Caller, PATIENCE, read_reply, run};
use crate::mesh::{self, Policy};
use crate::slow_reader::SlowReader;
use bytes::Bytes;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

#[test]
fn a_call_in_flight_ends_before_the_engine_does() {
    run(async {
        let callee = Callee::start();
        let (engine, outbound) = mesh::outbound(&Policy::to(&[callee.address]));
        let caller = Caller::connect(&outbound, "echo.shop").await;
        let (reply, mut out) = caller.open(caller.request("Bidi")).await;
        while callee.seen.calls.load(SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        let stopping = tokio::task::spawn_blocking(move || (engine.shutdown(PATIENCE), engine));
        out.send_data(Bytes::from_static(b"last words"), true).expect("sent");
        let reply = read_reply(reply).await;
        assert_eq!((reply.status(), &*reply.body), ("0", b"last words".as_slice()), "{reply:?}");
        let (all_ended, engine) = stopping.await.expect("joined");
        assert!(all_ended);
        assert_eq!(mesh::counter(&engine, "tulle.rpcs_broken_by_mesh", "shutdown"), 0);
        assert!(engine.shutdown(Duration::ZERO), "a second stop says the same");
    });
}

#[test]
fn a_call_that_outlives_the_grace_is_broken_and_counted() {
    run(async {
        let callee = Callee::start();
        let (engine, outbound) = mesh::outbound(&Policy::to(&[callee.address]));
        let caller = Caller::connect(&outbound, "echo.shop").await;
        let (_reply, _out) = caller.open(caller.request("Hang")).await;
        while callee.seen.calls.load(SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        let stopping = tokio::task::spawn_blocking(move || (engine.shutdown(Duration::from_millis(50)), engine));
        let (all_ended, engine) = stopping.await.expect("joined");
        assert!(!all_ended);
        assert_eq!(mesh::counter(&engine, "tulle.rpcs_broken_by_mesh", "shutdown"), 1);
    });
}

#[test]
fn an_engine_without_work_stops_at_once() {
    let (engine, outbound) = mesh::outbound(&Policy::to(&[]));
    assert!(engine.shutdown(PATIENCE));
    assert!(std::net::TcpStream::connect(outbound).is_err(), "the port is free again");
}

#[test]
fn a_reply_that_its_caller_reads_slowly_is_whole_though_the_engine_stops() {
    let callee = Callee::start();
    let (engine, outbound) = mesh::outbound(&Policy::to(&[callee.address]));
    let mut caller = SlowReader::call(&outbound);
    let stopping = std::thread::spawn(move || {
        let all_ended = engine.shutdown(PATIENCE);
        (all_ended, mesh::counter(&engine, "tulle.rpcs_broken_by_mesh", "shutdown"))
    });
    caller.read_slowly(8 * 1024, Duration::from_millis(20));
    assert_eq!((caller.bytes, caller.status.as_deref()), (LARGE, Some("0")));
    drop(caller);
    assert_eq!(stopping.join().expect("joined"), (true, 0));
}
