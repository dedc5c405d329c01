//! Calls of every kind cross the outbound listener unchanged.

use crate::callee::Callee;
use crate::caller::{Caller, read_reply, run};
use crate::mesh::{self, Policy};
use bytes::Bytes;
use std::sync::atomic::Ordering::SeqCst;
use tulle_proxy::Engine;
use tulle_proxy::proto::UpstreamPort;

#[test]
fn a_unary_call_is_echoed_with_metadata_in_order() {
    run(async {
        let callee = Callee::start();
        let (_engine, outbound) = mesh::outbound(&Policy::to(&[callee.address]));
        let caller = Caller::connect(&outbound, "echo.shop").await;
        let request = caller.request("Unary").header("x-a-bin", "AAE=").header("x-b", "1").header("x-a-bin", "AgM=");
        let reply = caller.call(request, b"hello").await;
        assert_eq!(reply.status(), "0", "{reply:?}");
        assert_eq!(reply.body, b"hello");
        let values: Vec<_> = reply.head.get_all("x-a-bin").iter().collect();
        assert_eq!(values, ["AAE=", "AgM="]);
        let trailing: Vec<_> = reply.trailers.get_all("t-bin").iter().collect();
        assert_eq!(trailing, ["AAEC", "AwQF"]);
        assert!(callee.seen.heads.lock().expect("heads")[0].get("traceparent").is_none());
    });
}

#[test]
fn a_bidirectional_stream_answers_each_message_before_the_next_is_sent() {
    run(async {
        let callee = Callee::start();
        let (_engine, outbound) = mesh::outbound(&Policy::to(&[callee.address]));
        let caller = Caller::connect(&outbound, "echo.shop").await;
        let (reply, mut out) = caller.open(caller.request("Bidi")).await;
        out.send_data(Bytes::from_static(b"one"), false).expect("sent");
        let mut body = reply.await.expect("a head").into_body();
        for word in ["one", "two", "three"] {
            assert_eq!(body.data().await.expect("data").expect("whole"), word);
            let next = if word == "one" { "two" } else { "three" };
            if word != "three" {
                out.send_data(Bytes::from(next), false).expect("sent");
            }
        }
        out.send_data(Bytes::new(), true).expect("ended");
        let trailers = body.trailers().await.expect("whole").expect("trailers");
        assert_eq!(trailers["grpc-status"], "0");
    });
}

#[test]
fn a_large_message_crosses_whole() {
    run(async {
        let callee = Callee::start();
        let (_engine, outbound) = mesh::outbound(&Policy::to(&[callee.address]));
        let caller = Caller::connect(&outbound, "echo.shop").await;
        let message: Vec<u8> = (0..8 << 20).map(|at: usize| (at * 31 % 251) as u8).collect();
        let reply = caller.unary("Unary", &message).await;
        assert_eq!(reply.status(), "0");
        assert!(reply.body == message, "{} bytes came back", reply.body.len());
    });
}

#[test]
fn a_connect_routes_by_its_own_name() {
    run(async {
        let callee = Callee::start();
        let (_engine, outbound) = mesh::outbound(&Policy::to(&[callee.address]));
        let caller = Caller::tunnel(&outbound, "echo.shop:50051", "something.else").await;
        let reply = caller.unary("Unary", b"through the tunnel").await;
        assert_eq!((reply.status(), &*reply.body), ("0", b"through the tunnel".as_slice()), "{reply:?}");
    });
}

#[test]
fn a_port_per_upstream_routes_whatever_the_authority_says() {
    run(async {
        let callee = Callee::start();
        let mut config = mesh::config();
        config.upstream_ports = vec![UpstreamPort { listen: "127.0.0.1:0".into(), authority: "echo.shop".into() }];
        let engine = Engine::new(config).expect("a good config");
        engine.apply(&Policy::to(&[callee.address]).bytes()).expect("a good snapshot");
        let addresses = engine.start().expect("started");
        let caller = Caller::connect(&addresses.upstream_ports[0].listen, "localhost").await;
        assert_eq!(caller.unary("Unary", b"x").await.status(), "0");
    });
}

#[test]
fn a_cancelled_call_is_cancelled_upstream() {
    run(async {
        let callee = Callee::start();
        let (_engine, outbound) = mesh::outbound(&Policy::to(&[callee.address]));
        let caller = Caller::connect(&outbound, "echo.shop").await;
        let (reply, mut out) = caller.open(caller.request("Hang")).await;
        while callee.seen.calls.load(SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        out.send_reset(h2::Reason::CANCEL);
        drop(reply);
        while callee.seen.resets.load(SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn a_server_that_ends_early_ends_the_callers_sending_too() {
    run(async {
        let callee = Callee::start();
        let (_engine, outbound) = mesh::outbound(&Policy::to(&[callee.address]));
        let caller = Caller::connect(&outbound, "echo.shop").await;
        let (reply, mut out) = caller.open(caller.request("Early")).await;
        let reply = read_reply(reply).await;
        assert_eq!((reply.status(), reply.message()), ("5", "enough"));
        let reset = std::future::poll_fn(|cx| out.poll_reset(cx)).await;
        assert_eq!(reset.expect("a reset"), h2::Reason::NO_ERROR);
    });
}

#[test]
fn calls_are_counted_by_series() {
    run(async {
        let callee = Callee::start();
        let (engine, outbound) = mesh::outbound(&Policy::to(&[callee.address]));
        let caller = Caller::connect(&outbound, "echo.shop").await;
        for _ in 0..3 {
            assert_eq!(caller.unary("Unary", b"12345").await.status(), "0");
        }
        let telemetry = mesh::telemetry(&engine);
        let series = telemetry.calls.iter().find(|series| series.method == "t.Echo/Unary").expect("a series");
        assert_eq!((series.count, series.request_bytes, series.response_bytes), (3, 15, 15));
        assert_eq!((&*series.peer, &*series.cluster, series.grpc_status), ("shop/echo", "shop/echo", 0));
        assert_eq!(telemetry.endpoints[0].connections, 1);
        assert!(engine.describe().contains("\"service\":\"shop/front\""));
    });
}
