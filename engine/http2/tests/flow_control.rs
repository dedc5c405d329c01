//! Both windows, both ways.

mod wire;

use proptest::prelude::*;
use tulle_http2::{Config, ErrorCode, Role, Token};
use wire::{End, Frame, Seen, frame, open_request, pair, request, response, settle, trailers};

fn update(stream: u32, by: u32) -> Vec<u8> {
    frame(8, 0, stream, &by.to_be_bytes())
}

fn initial_window(size: u32) -> Vec<u8> {
    frame(4, 0, 0, &[&[0, 4][..], &size.to_be_bytes()].concat())
}

fn data_bytes(frames: &[Frame], stream: u32) -> usize {
    frames.iter().filter(|f| f.kind == 0 && f.stream == stream).map(|f| f.payload.len()).sum()
}

fn updates(frames: &[Frame], stream: u32) -> u32 {
    let of = frames.iter().filter(|f| f.kind == 8 && f.stream == stream);
    of.map(|f| u32::from_be_bytes(f.payload[..].try_into().expect("4 bytes"))).sum()
}

/// A client with one open stream, nothing waiting.
fn client_with_stream() -> (End, tulle_http2::StreamId) {
    let mut client = End::greeted_client(Config::new(Role::Client));
    let stream = client.connection.open(Token(1), &request(), false).expect("room");
    client.take_output();
    (client, stream)
}

#[test]
fn data_beyond_the_stream_window_waits_for_its_update() {
    let (mut client, stream) = client_with_stream();
    assert_eq!(client.connection.send_data(stream, &[1; 70_000], true), 65_535);
    assert_eq!(client.connection.queued(stream), 70_000 - 65_535);
    assert_eq!(data_bytes(&client.take_frames(), 1), 65_535);
    client.feed(&update(1, 5_000));
    assert!(client.take_output().is_empty(), "the connection's window is shut still");
    client.feed(&update(0, 5_000));
    let frames = client.take_frames();
    assert_eq!(data_bytes(&frames, 1), 70_000 - 65_535);
    assert_eq!(frames.last().map(|f| f.flags), Some(1), "END_STREAM on the last");
    let mut told = Vec::new();
    client.connection.progress(|id, token, bytes| told.push((id.get(), token, bytes)));
    assert_eq!(told, [(1, Token(1), 70_000 - 65_535)]);
}

#[test]
fn frames_keep_to_the_peers_frame_size() {
    let (mut client, stream) = client_with_stream();
    client.feed(&frame(4, 0, 0, &[0, 5, 0, 0, 0x50, 0]));
    client.take_output();
    client.connection.send_data(stream, &[0; 50_000], true);
    let sizes: Vec<usize> = client.take_frames().iter().map(|f| f.payload.len()).collect();
    assert_eq!(sizes, [20_480, 20_480, 9_040]);
}

#[test]
fn trailers_wait_as_fields_behind_queued_data() {
    let (mut client, mut server) = pair();
    let stream = client.connection.open(Token(1), &request(), true).expect("room");
    settle(&mut client, &mut server);
    server.connection.send_headers(stream, &response(), false);
    server.connection.send_data(stream, &[7; 100_000], false);
    server.connection.send_headers(stream, &trailers(), true);
    assert!(server.connection.queued(stream) > 0);
    settle(&mut client, &mut server);
    assert!(!client.seen.iter().any(|seen| matches!(seen, Seen::Headers { end: true, .. })));
    client.connection.release(stream, 65_536);
    settle(&mut client, &mut server);
    assert_eq!(wire::data_of(&client.seen, 1).len(), 100_000);
    assert!(matches!(client.seen.last(), Some(Seen::Headers { end: true, .. })));
    assert_eq!(server.connection.active_streams(), 0);
}

#[test]
fn a_smaller_initial_window_makes_open_streams_negative() {
    let (mut client, stream) = client_with_stream();
    assert_eq!(client.connection.send_data(stream, &[0; 1_000], false), 1_000);
    client.feed(&initial_window(400));
    client.take_output();
    // 65 535 - 1 000 left, less 65 135: 600 below zero.
    assert_eq!(client.connection.send_data(stream, &[0; 10], false), 0);
    client.feed(&update(1, 600));
    assert_eq!(data_bytes(&client.take_frames(), 1), 0);
    client.feed(&update(1, 1));
    assert_eq!(data_bytes(&client.take_frames(), 1), 1);
    client.feed(&initial_window(500));
    assert_eq!(data_bytes(&client.take_frames(), 1), 9);
}

#[test]
fn an_end_without_data_needs_no_window() {
    let (mut client, stream) = client_with_stream();
    client.connection.send_data(stream, &[0; 65_535], false);
    client.take_output();
    client.connection.send_data(stream, &[], true);
    let frames = client.take_frames();
    assert_eq!(frames, [Frame { kind: 0, flags: 1, stream: 1, payload: vec![] }]);
}

#[test]
fn an_end_given_after_queued_data_comes_on_its_last_frame() {
    let (mut client, stream) = client_with_stream();
    client.connection.send_data(stream, &[0; 65_540], false);
    client.connection.send_data(stream, &[], true);
    client.take_output();
    client.feed(&update(0, 100)).feed(&update(1, 100));
    let frames = client.take_frames();
    assert_eq!(frames, [Frame { kind: 0, flags: 1, stream: 1, payload: vec![0; 5] }]);
}

#[test]
fn a_full_output_is_no_window() {
    let mut client = End::greeted_client(Config { output_high_water: 40_000, ..Config::new(Role::Client) });
    let stream = client.connection.open(Token(1), &request(), false).expect("room");
    let sent = client.connection.send_data(stream, &[0; 65_000], true);
    assert!((40_000..40_000 + 16_384).contains(&sent), "{sent}");
    let first = client.take_output();
    assert_eq!(client.connection.queued(stream), 0, "flushed and pumped");
    let second = client.take_output();
    assert_eq!(data_bytes(&wire::parse(&first), 1) + data_bytes(&wire::parse(&second), 1), 65_000);
}

#[test]
fn streams_share_the_connection_window_in_turns() {
    let (mut client, one) = client_with_stream();
    let two = client.connection.open(Token(2), &request(), false).expect("room");
    client.connection.send_data(one, &[0; 65_535], false);
    client.take_output();
    client.feed(&update(1, 100_000));
    client.connection.send_data(one, &[0; 60_000], false);
    client.connection.send_data(two, &[0; 60_000], false);
    client.feed(&update(0, 65_536));
    let frames = client.take_frames();
    assert_eq!((data_bytes(&frames, 1), data_bytes(&frames, 3)), (32_768, 32_768));
}

#[test]
fn the_stream_window_is_given_back_on_release_by_quarters() {
    let mut server = End::greeted_server(Config::default());
    server.feed(&open_request(1));
    for _ in 0..4 {
        server.feed(&frame(0, 0, 1, &[0; 16_000]));
    }
    assert_eq!(updates(&server.take_frames(), 1), 0);
    let Some(stream) = first_stream(&mut server) else { panic!("no stream") };
    server.connection.release(stream, 16_383);
    assert!(server.take_output().is_empty());
    server.connection.release(stream, 1);
    assert_eq!(updates(&server.take_frames(), 1), 16_384);
    server.connection.release(stream, u32::MAX);
    assert_eq!(updates(&server.take_frames(), 1), 64_000 - 16_384, "only what was taken is given back");
}

fn first_stream(server: &mut End) -> Option<tulle_http2::StreamId> {
    // An identifier of the same number: a client of ours opens stream 1 first.
    let stream = wire::stream_id(&mut End::greeted_client(Config::new(Role::Client)));
    (server.connection.active_streams() > 0).then_some(stream)
}

#[test]
fn padding_counts_in_the_window_and_is_given_back() {
    let mut server = End::greeted_server(Config { stream_window: 1_000, ..Config::default() });
    server.feed(&open_request(1));
    for _ in 0..40 {
        let padded = [&[255u8][..], b"x", &[0; 255]].concat();
        server.feed(&frame(0, 8, 1, &padded));
    }
    assert_eq!(server.failed, None);
    assert!(server.seen.iter().all(|seen| !matches!(seen, Seen::StreamError { .. })));
    assert!(updates(&server.take_frames(), 1) >= 40 * 256 - 1_000);
}

#[test]
fn a_stream_over_its_window_is_reset_and_a_connection_over_its_window_ends() {
    let mut server = End::greeted_server(Config { stream_window: 100, ..Config::default() });
    server.feed(&open_request(1)).feed(&frame(0, 0, 1, &[0; 101]));
    assert!(matches!(server.seen.last(), Some(Seen::StreamError { code: ErrorCode::FLOW_CONTROL_ERROR, .. })));
    assert_eq!(server.failed, None);

    let mut server = End::greeted_server(Config { connection_window: 65_535, ..Config::default() });
    server.feed(&open_request(1));
    let mut client_view: i64 = 65_535;
    while server.failed.is_none() && client_view > -200_000 {
        server.feed(&frame(0, 0, 1, &[0; 16_384]));
        client_view -= 16_384;
        let given = updates(&server.take_frames(), 0);
        client_view += i64::from(given);
        assert!(client_view >= 32_767, "the connection's window is given back on receipt");
        if server.seen.iter().any(|seen| matches!(seen, Seen::StreamError { .. })) {
            return;
        }
    }
    panic!("the stream's window was never enforced");
}

#[test]
fn before_our_settings_are_acknowledged_the_default_window_holds() {
    let mut server = End::new(Config { stream_window: 10, ..Config::default() });
    server.feed(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").feed(&frame(4, 0, 0, &[]));
    server.feed(&open_request(1)).feed(&frame(0, 0, 1, &[0; 5_000]));
    assert!(matches!(server.seen.last(), Some(Seen::Data { .. })));
    server.feed(&frame(4, 1, 0, &[])).feed(&frame(0, 0, 1, &[0; 1]));
    assert!(matches!(server.seen.last(), Some(Seen::StreamError { code: ErrorCode::FLOW_CONTROL_ERROR, .. })));
}

#[test]
fn data_of_closed_streams_counts_for_the_connection() {
    let mut server = End::greeted_server(Config::default());
    server.feed(&open_request(1));
    let stream = first_stream(&mut server).expect("open");
    server.connection.reset(stream, ErrorCode::CANCEL);
    for _ in 0..70 {
        server.feed(&frame(0, 0, 1, &[0; 16_384]));
    }
    assert_eq!(server.failed, None);
    assert!(updates(&server.take_frames(), 0) >= 1 << 19);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    /// The model: two integers. What was sent never passes either, and nothing waits while both are open.
    #[test]
    fn sending_agrees_with_a_model_of_both_windows(steps in prop::collection::vec((0u8..4, 0u32..40_000), 1..60)) {
        let (mut client, stream) = client_with_stream();
        let (mut of_stream, mut of_connection, mut initial) = (65_535i64, 65_535i64, 65_535i64);
        let (mut given, mut gone) = (0usize, 0usize);
        for (what, size) in steps {
            match what {
                0 => {
                    client.connection.send_data(stream, &vec![0; size as usize], false);
                    given += size as usize;
                }
                1 if size > 0 => {
                    client.feed(&update(1, size));
                    of_stream += i64::from(size);
                }
                2 if size > 0 => {
                    client.feed(&update(0, size));
                    of_connection += i64::from(size);
                }
                3 => {
                    client.feed(&initial_window(size));
                    of_stream += i64::from(size) - initial;
                    initial = i64::from(size);
                }
                _ => {}
            }
            while !client.connection.output().is_empty() {
                let bytes = data_bytes(&client.take_frames(), 1);
                gone += bytes;
                of_stream -= bytes as i64;
                of_connection -= bytes as i64;
            }
            prop_assert!(of_connection >= 0);
            prop_assert_eq!(client.connection.queued(stream), given - gone);
            prop_assert!(given == gone || of_stream <= 0 || of_connection == 0);
        }
    }
}
