//! What is tried again, and what is not.

use crate::callee::Callee;
use crate::caller::{Caller, Reply, run};
use crate::mesh::{self, Policy};
use std::net::TcpListener;
use std::sync::atomic::Ordering::SeqCst;
use tulle_proxy::proto::Method;

async fn call(policy: &Policy, method: &str) -> Reply {
    let (_engine, outbound) = mesh::outbound(policy);
    let caller = Caller::connect(&outbound, "echo.shop").await;
    caller.unary(method, b"again").await
}

#[test]
fn an_unavailable_in_a_trailers_only_reply_is_tried_again_where_the_method_is_idempotent() {
    run(async {
        let callee = Callee::start();
        let policy = Policy::to(&[callee.address]).route(|route| route.idempotent = true);
        let reply = call(&policy, "FailOnce").await;
        assert_eq!((reply.status(), &*reply.body), ("0", b"again".as_slice()), "{reply:?}");
        assert_eq!(callee.seen.calls.load(SeqCst), 2);
        let heads = callee.seen.heads.lock().expect("heads");
        assert_eq!(heads[1]["grpc-previous-rpc-attempts"], "1");
    });
}

#[test]
fn an_unavailable_in_trailers_is_tried_again_where_the_method_is_idempotent() {
    run(async {
        let callee = Callee::start();
        let policy = Policy::to(&[callee.address]).route(|route| route.idempotent = true);
        let reply = call(&policy, "FailLateOnce").await;
        assert_eq!((reply.status(), &*reply.body), ("0", b"again".as_slice()), "{reply:?}");
    });
}

#[test]
fn an_unavailable_in_trailers_or_without_headers_is_final_where_the_method_may_not_run_twice() {
    run(async {
        let callee = Callee::start();
        for (method, message) in [("FailLate", "late"), ("Fail", "never")] {
            let before = callee.seen.calls.load(SeqCst);
            let reply = call(&Policy::to(&[callee.address]), method).await;
            assert_eq!((reply.status(), reply.message()), ("14", message), "{reply:?}");
            assert_eq!(callee.seen.calls.load(SeqCst) - before, 1, "{method}");
        }
    });
}

#[test]
fn a_refused_stream_is_tried_again_without_a_policy() {
    run(async {
        let callee = Callee::start();
        let policy = Policy::to(&[callee.address]).route(|route| route.retry = Some(mesh::retry(1)));
        let reply = call(&policy, "RefuseOnce").await;
        assert_eq!(reply.status(), "0", "{reply:?}");
    });
}

#[test]
fn a_reset_is_not_tried_again_and_becomes_internal() {
    run(async {
        let callee = Callee::start();
        let reply = call(&Policy::to(&[callee.address]), "Reset").await;
        assert_eq!((reply.status(), reply.reason()), ("13", "upstream_reset"), "{reply:?}");
        assert_eq!(callee.seen.calls.load(SeqCst), 1);
    });
}

#[test]
fn a_dead_endpoint_costs_no_call_while_another_lives() {
    run(async {
        let callee = Callee::start();
        let dead = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address");
        let (_engine, outbound) = mesh::outbound(&Policy::to(&[dead, callee.address]));
        let caller = Caller::connect(&outbound, "echo.shop").await;
        for _ in 0..20 {
            let reply = caller.unary("Unary", b"x").await;
            assert_eq!(reply.status(), "0", "{reply:?}");
        }
        assert_eq!(callee.seen.calls.load(SeqCst), 20);
    });
}

#[test]
fn a_declared_unary_head_is_held_until_its_trailers() {
    run(async {
        let callee = Callee::start();
        let policy = Policy::to(&[callee.address]).route(|route| route.idempotent = true).service(|service| {
            service.methods = vec![Method { path: "/t.Echo/FailLateOnce".into(), ..Default::default() }];
        });
        assert_eq!(call(&policy, "FailLateOnce").await.status(), "0");
    });
}

#[test]
fn attempts_end_and_the_last_reply_is_passed_on() {
    run(async {
        let callee = Callee::start();
        let policy = Policy::to(&[callee.address]).route(|route| {
            route.retry = Some(mesh::retry(3));
            route.idempotent = true;
        });
        let reply = call(&policy, "Fail").await;
        assert_eq!((reply.status(), reply.message(), reply.reason()), ("14", "never", ""), "{reply:?}");
        assert_eq!(callee.seen.calls.load(SeqCst), 3);
    });
}
