//! Backpressure: a slow reader stops its sender, a long message never fills memory.

use crate::policy::Policy;
use crate::world::{World, address, fields};
use tulle_http2::StreamId;
use tulle_proxy::worker::ConnectionKey;

const MESSAGE: usize = 100 << 20;
const CHUNK: usize = 16_384;
const BUFFERS: usize = 2 << 20;

/// Sends until `total` bytes have gone into the codec or its window is shut.
fn feed(world: &mut World, key: ConnectionKey, stream: StreamId, sent: &mut usize, total: usize) {
    let chunk = [7u8; CHUNK];
    let codec = &mut world.server(key).codec;
    while *sent < total && codec.queued(stream) == 0 {
        let length = CHUNK.min(total - *sent);
        codec.send_data(stream, &chunk[..length], *sent + length == total);
        *sent += length;
    }
}

#[test]
fn a_hundred_megabytes_go_up_within_two_mebibytes_of_buffers() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let caller = world.caller();
    let list = [(":method", "POST"), (":scheme", "http"), (":path", "/t.Echo/Upload"), (":authority", "echo.shop")];
    let codec = &mut world.server(caller).codec;
    let stream = codec.open(tulle_http2::Token(1), &fields(&list), false).expect("a stream");
    world.run();
    let server = world.servers()[0];
    let mut sent = 0;
    let mut received = 0;
    while received < MESSAGE {
        feed(&mut world, caller, stream, &mut sent, MESSAGE);
        world.run();
        let now = world.server(server).exchanges[&1].bytes;
        assert!(now > received, "stalled at {received} of {MESSAGE} bytes");
        received = now;
        assert!(sent - received <= BUFFERS, "{} bytes are held", sent - received);
    }
    assert!(world.server(server).exchanges[&1].ended);
}

#[test]
fn a_hundred_megabytes_come_down_within_two_mebibytes_of_buffers() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let caller = world.caller();
    let call = world.call(caller, "Download", &[], b"x");
    let server = world.servers()[0];
    let stream = world.server(server).request(0);
    world.server(server).codec.send_headers(stream, &fields(&[(":status", "200")]), false);
    let mut sent = 0;
    while sent < MESSAGE {
        feed(&mut world, server, stream, &mut sent, MESSAGE);
        world.run();
        let held = sent - world.seen(caller, call).bytes;
        assert!(held <= BUFFERS, "{held} bytes are held");
    }
    world.run();
    assert_eq!(world.seen(caller, call).bytes, MESSAGE);
}

#[test]
fn a_caller_that_does_not_read_stops_the_server_and_nobody_else() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let (slow, quick) = (world.caller(), world.caller());
    world.server(slow).reads = false;
    world.call(slow, "Download", &[], b"x");
    let server = world.servers()[0];
    let stream = world.server(server).request(0);
    world.server(server).codec.send_headers(stream, &fields(&[(":status", "200")]), false);
    let mut sent = 0;
    for _ in 0..1000 {
        feed(&mut world, server, stream, &mut sent, MESSAGE);
        world.run();
    }
    assert!(sent <= 4 * 65_536 + CHUNK, "{sent} bytes went out to one that reads nothing");
    let other = world.call(quick, "Unary", &[], b"x");
    world.server(server).reply(1, &[1; 60_000], &[("grpc-status", "0")]);
    world.run();
    let seen = world.seen(quick, other);
    assert_eq!((seen.status(), seen.bytes), ("0", 60_000));
}

#[test]
fn the_last_bytes_and_the_trailers_wait_for_a_slow_reader() {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let caller = world.caller();
    world.server(caller).reads = false;
    let call = world.call(caller, "Download", &[], b"x");
    let server = world.servers()[0];
    world.server(server).reply(0, &[1; 65_000], &[("grpc-status", "0")]);
    world.run();
    let second = world.call(caller, "Download", &[], b"x");
    world.server(server).reply(1, &[2; 66_000], &[("grpc-status", "0"), ("x-last", "1")]);
    world.run();
    assert_eq!(world.seen(caller, call).status(), "0");
    assert!(world.seen(caller, second).trailers.is_empty());
    world.server(caller).codec.release(second, 65_000);
    world.run();
    let seen = world.seen(caller, second);
    assert_eq!((seen.bytes, seen.text("x-last"), seen.ended), (66_000, "1", true));
    assert_eq!(world.worker.calls_in_flight(), 0);
}
