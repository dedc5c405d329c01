//! A panic anywhere on a call's way: counted, and the connection it happened on pays alone. `x-panic` plants one.

use crate::callee::Callee;
use crate::caller::{Caller, run};
use crate::mesh::{self, Policy};
use tulle_proxy::Engine;

const PANICS: &str = "tulle.engine.panics";

fn panics(engine: &Engine) -> u64 {
    mesh::counter(engine, PANICS, "")
}

/// Panics at `place` on one connection, with a neighbour on another.
fn costs_its_connection_alone(place: &'static str, method: &'static str) {
    run(async move {
        let callee = Callee::start();
        let (engine, outbound) = mesh::outbound(&Policy::to(&[callee.address]));
        let (struck, neighbour) =
            (Caller::connect(&outbound, "echo.shop").await, Caller::connect(&outbound, "echo.shop").await);
        assert_eq!(neighbour.unary("Unary", b"before").await.status(), "0");
        let request = struck.request(method).header("x-panic", place).header("grpc-timeout", "300m");
        let reply = struck.call(request, b"x").await;
        assert_ne!(reply.status(), "0", "{reply:?}");
        for _ in 0..20 {
            assert_eq!(neighbour.unary("Unary", b"after").await.status(), "0", "panicked at {place}");
        }
        let anew = Caller::connect(&outbound, "echo.shop").await;
        assert_eq!(anew.unary("Unary", b"anew").await.status(), "0");
        assert_eq!(panics(&engine), 1, "at {place}");
        assert_eq!(mesh::counter(&engine, "tulle.connections.closed", "panic"), 1, "at {place}");
        assert!(engine.shutdown(crate::caller::PATIENCE), "nothing of it is in flight for ever");
    });
}

#[test]
fn while_a_request_is_read() {
    costs_its_connection_alone("request", "Unary");
}

#[test]
fn while_a_call_is_sent_up() {
    costs_its_connection_alone("launch", "Unary");
}

#[test]
fn while_a_deadline_is_told() {
    costs_its_connection_alone("deadline", "Hang");
}

#[test]
fn a_server_connection_that_panics_ends_its_calls_with_a_status_that_says_so() {
    run(async {
        let callee = Callee::start();
        let (engine, outbound) = mesh::outbound(&Policy::to(&[callee.address]));
        let caller = Caller::connect(&outbound, "echo.shop").await;
        let waits = tokio::spawn({
            let caller = caller.clone();
            async move { caller.unary("Hang", b"x").await }
        });
        while callee.seen.calls.load(std::sync::atomic::Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        let struck = caller.call(caller.request("Unary").header("x-panic", "response"), b"x").await;
        for reply in [struck, waits.await.expect("joined")] {
            assert_eq!((reply.status(), reply.reason()), ("14", "upstream_reset"), "{reply:?}");
            assert!(reply.message().contains("a fault of the proxy"), "{}", reply.message());
        }
        assert_eq!(caller.unary("Unary", b"the caller's own connection stays").await.status(), "0");
        assert_eq!((panics(&engine), mesh::counter(&engine, "tulle.rpcs_broken_by_mesh", "panic")), (1, 2));
    });
}

#[test]
fn a_write_that_panics_costs_the_connection_that_is_written_to() {
    run(async {
        let callee = Callee::start();
        let (engine, outbound) = mesh::outbound(&Policy::to(&[callee.address]));
        let caller = Caller::connect(&outbound, "echo.shop").await;
        // The server gives a little window at a time, so that some of it is written when it gives more; nothing is answered
        // before, whose bytes would be written to the caller.
        let struck = caller.call(caller.request("Sip").header("x-panic", "write"), &[7; 200_000]).await;
        assert_eq!((struck.status(), struck.reason()), ("14", "upstream_reset"), "{struck:?}");
        assert!(struck.message().contains("a fault of the proxy"), "{}", struck.message());
        assert_eq!(caller.unary("Unary", b"the caller's own connection stays").await.status(), "0");
        assert_eq!((panics(&engine), mesh::counter(&engine, "tulle.connections.closed", "panic")), (1, 1));
    });
}
