//! Wherever the bytes of a caller's connection are cut, the upstream sees the same.

use crate::policy::Policy;
use crate::world::{World, address, fields};
use proptest::prelude::*;
use tulle_http2::{Config, Connection, ErrorCode, Role, Token};
use tulle_proxy::worker::Listener;

/// What a caller does on a stream of its own.
#[derive(Clone, Debug)]
struct Call {
    header: String,
    parts: Vec<usize>,
    reset: bool,
}

fn call() -> impl Strategy<Value = Call> {
    let parts = prop::collection::vec(prop_oneof![Just(0usize), 1usize..100, 5_000usize..20_000], 0..4);
    ("[a-z]{0,30}", parts, prop::bool::weighted(0.1)).prop_map(|(header, parts, reset)| Call { header, parts, reset })
}

/// A whole connection as the caller writes it, windows of its server being wide enough.
fn bytes_of(calls: &[Call]) -> Vec<u8> {
    let mut codec = Connection::new(Config::new(Role::Client));
    for call in calls {
        let list = [(":method", "POST"), (":scheme", "http"), (":path", "/t.Echo/Any"), (":authority", "echo.shop")];
        let list: Vec<_> = list.into_iter().chain([("x-of", call.header.as_str()), ("te", "trailers")]).collect();
        let stream = codec.open(Token(1), &fields(&list), false).expect("a stream");
        for size in &call.parts {
            codec.send_data(stream, &vec![7; *size], false);
        }
        if call.reset {
            codec.reset(stream, ErrorCode::CANCEL);
        } else {
            codec.send_data(stream, b"end", true);
        }
    }
    codec.output().to_vec()
}

/// Heads, bytes and ends of the requests that the server sees, and how many calls are left.
fn seen(input: &[u8], cuts: &[usize]) -> (Vec<String>, usize) {
    let mut world = World::new(&Policy::to(&[address(1)]));
    // One call before, so that the connection is there whatever comes first.
    let warm = world.caller();
    world.call(warm, "Any", &[], b"x");
    let key = world.worker.accept(Listener::Outbound);
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (input.len() + 1)).collect();
    cuts.sort_unstable();
    let mut start = 0;
    for cut in cuts.into_iter().chain([input.len()]) {
        world.worker.received(key, &input[start..cut]);
        world.run();
        start = cut;
    }
    let server = &world.peers[&world.servers()[0]];
    (server.exchanges.values().map(|exchange| format!("{exchange:?}")).collect(), world.worker.calls_in_flight())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_cut_gives_the_same_requests(
        calls in prop::collection::vec(call(), 1..6),
        cuts in prop::collection::vec(any::<usize>(), 0..30),
        tunnel in any::<bool>(),
    ) {
        let tunnel: &[u8] = if tunnel { b"CONNECT echo.shop:80 HTTP/1.1\r\nhost: echo.shop\r\n\r\n" } else { b"" };
        let input = [tunnel, &bytes_of(&calls)].concat();
        prop_assert_eq!(seen(&input, &[]), seen(&input, &cuts));
    }
}

#[test]
fn byte_by_byte_gives_the_same_requests() {
    let calls = [
        Call { header: "one".into(), parts: vec![0, 40, 3], reset: false },
        Call { header: "two".into(), parts: vec![1], reset: true },
        Call { header: String::new(), parts: vec![], reset: false },
    ];
    let input = bytes_of(&calls);
    let every: Vec<usize> = (0..input.len()).collect();
    let whole = seen(&input, &[]);
    assert_eq!(whole.0.len(), 4, "{whole:#?}");
    assert_eq!(whole, seen(&input, &every));
}

/// RFC 9113, section 8.1: a request may have trailers. gRPC's have none, but what comes is passed on.
#[test]
fn trailers_of_a_request_that_waited_reach_the_server() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let caller = world.caller();
    let list = [(":method", "POST"), (":scheme", "http"), (":path", "/t.Echo/Any"), (":authority", "echo.shop")];
    let codec = &mut world.server(caller).codec;
    let stream = codec.open(Token(1), &fields(&list), false).expect("a stream");
    codec.send_data(stream, b"x", false);
    codec.send_headers(stream, &fields(&[("x-end", "yes")]), true);
    world.run();
    let server = world.servers()[0];
    let request = &world.peers[&server].exchanges[&1];
    assert_eq!((request.ended, request.text("x-end")), (true, "yes"));
}
