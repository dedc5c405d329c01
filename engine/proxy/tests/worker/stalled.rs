//! Peers that take nothing for a minute, and others that only look like them.

use crate::policy::Policy;
use crate::world::{World, address, fields};
use std::time::Duration;
use tulle_http2::{ErrorCode, StreamId, Token};
use tulle_mesh::telemetry::CounterName;
use tulle_proxy::proto::Method;
use tulle_proxy::worker::ConnectionKey;

const MINUTE: Duration = Duration::from_secs(60);
/// A look more: the limit is found between 60 and 75 s.
const FOUND: Duration = Duration::from_secs(76);

/// An endpoint whose methods are declared to be unary.
fn declared() -> Policy {
    let method = |path: &str| Method { path: path.into(), ..Default::default() };
    let methods = ["/t.Echo/Download", "/t.Echo/Upload"].map(method);
    Policy::to(&[address(1)]).service(|service| service.methods = methods.to_vec())
}

/// A reply of which the caller takes a window's worth and no more.
fn half_read(world: &mut World, body: usize) -> (ConnectionKey, StreamId) {
    let caller = world.caller();
    world.server(caller).reads = false;
    let call = world.call(caller, "Download", &[], b"x");
    let server = world.servers()[0];
    let stream = world.server(server).request(0);
    let codec = &mut world.server(server).codec;
    codec.send_headers(stream, &fields(&[(":status", "200"), ("content-type", "application/grpc")]), false);
    codec.send_data(stream, &vec![1; body], false);
    world.run();
    (caller, call)
}

fn stalls(world: &World) -> u64 {
    world.counter(CounterName::LimitsExceeded, "stall_timeout")
}

#[test]
fn a_reply_that_is_not_taken_for_a_minute_is_reset() {
    let mut world = World::new(&declared());
    let (caller, call) = half_read(&mut world, 100_000);
    world.advance(MINUTE - Duration::from_secs(1));
    assert_eq!((world.seen(caller, call).reset, stalls(&world)), (None, 0));
    world.advance(FOUND - MINUTE);
    assert_eq!((world.seen(caller, call).reset, stalls(&world)), (Some(ErrorCode::CANCEL), 1));
    assert_eq!(world.worker.calls_in_flight(), 0);
}

#[test]
fn a_reader_that_takes_a_little_every_fifty_seconds_is_never_reset() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let (caller, call) = half_read(&mut world, 600_000);
    for round in 0..10 {
        let before = world.seen(caller, call).bytes;
        world.server(caller).codec.release(call, 33_000);
        world.run();
        assert!(world.seen(caller, call).bytes > before, "round {round}");
        world.advance(Duration::from_secs(50));
    }
    assert_eq!((world.seen(caller, call).reset, stalls(&world)), (None, 0));
}

#[test]
fn an_open_stream_without_traffic_is_no_stall() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let caller = world.caller();
    let list = [(":method", "POST"), (":scheme", "http"), (":path", "/t.Echo/Watch"), (":authority", "echo.shop")];
    let stream = world.server(caller).codec.open(Token(1), &fields(&list), false).expect("a stream");
    world.run();
    world.advance(Duration::from_secs(3_600));
    assert_eq!((world.seen(caller, stream).reset, stalls(&world)), (None, 0));
    assert_eq!(world.worker.calls_in_flight(), 1);
}

#[test]
fn a_request_that_the_server_does_not_take_ends_with_the_cause() {
    let mut world = World::new(&declared());
    let caller = world.caller();
    let warm = world.call(caller, "Unary", &[], b"x");
    let server = world.servers()[0];
    world.server(server).reply(0, b"y", &[("grpc-status", "0")]);
    world.run();
    assert_eq!(world.seen(caller, warm).status(), "0");
    world.server(server).reads = false;
    let call = world.call(caller, "Upload", &[], &[0; 200_000]);
    world.advance(FOUND);
    let seen = world.seen(caller, call);
    assert_eq!((seen.status(), seen.reason()), ("4", "deadline"), "{seen:?}");
    assert!(seen.text("grpc-message").contains("took nothing of the request for 60 s"), "{seen:?}");
}

#[test]
fn a_socket_that_takes_no_byte_for_a_minute_is_closed() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let caller = world.caller();
    let call = world.call(caller, "Unary", &[], b"x");
    world.server(caller).silent = true;
    let server = world.servers()[0];
    world.server(server).reply(0, b"y", &[("grpc-status", "0")]);
    world.run();
    assert!(!world.seen(caller, call).ended);
    world.advance(FOUND + Duration::from_secs(15));
    assert!(world.closed.contains(&caller));
    assert_eq!((stalls(&world), world.counter(CounterName::ConnectionsClosed, "unread")), (1, 1));
}

#[test]
fn a_slow_consumer_of_an_undeclared_method_gives_window_back_every_96_seconds_and_is_not_cut() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let (caller, call) = half_read(&mut world, 400_000);
    for _ in 0..5 {
        world.advance(Duration::from_secs(96));
        world.server(caller).codec.release(call, 33_000);
        world.run();
    }
    assert_eq!((world.seen(caller, call).reset, stalls(&world)), (None, 0));
    assert!(world.seen(caller, call).bytes > 65_535 + 4 * 33_000);
}

#[test]
fn a_reply_of_an_undeclared_method_of_which_nothing_is_taken_for_ten_minutes_is_reset() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let (caller, call) = half_read(&mut world, 100_000);
    world.advance(MINUTE * 10 - Duration::from_secs(1));
    assert_eq!((world.seen(caller, call).reset, stalls(&world)), (None, 0));
    world.advance(Duration::from_secs(17));
    assert_eq!((world.seen(caller, call).reset, stalls(&world)), (Some(ErrorCode::CANCEL), 1));
    assert_eq!(world.worker.calls_in_flight(), 0);
}
