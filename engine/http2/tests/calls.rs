//! Calls between our two ends.

mod wire;

use tulle_http2::{ErrorCode, HeadersKind, StreamId, Token};
use wire::{End, Seen, data_of, fields, pair, request, response, settle, trailers};

fn opened(server: &mut End, client: &mut End) -> StreamId {
    let stream = client.connection.open(Token(3), &request(), false).expect("room for a stream");
    settle(client, server);
    stream
}

#[test]
fn a_unary_call_arrives_whole_and_leaves_no_stream() {
    let (mut client, mut server) = pair();
    let stream = client.connection.open(Token(3), &request(), false).expect("room for a stream");
    assert_eq!(client.connection.send_data(stream, b"ping", true), 4);
    settle(&mut client, &mut server);
    assert!(
        matches!(&server.seen[0], Seen::Headers { kind: HeadersKind::Request, end: false, fields, .. } if fields.len() == 6)
    );
    assert_eq!(server.seen[1], Seen::Data { stream: 1, bytes: b"ping".to_vec(), end: true });
    server.connection.send_headers(stream, &response(), false);
    server.connection.send_data(stream, b"pong", false);
    server.connection.send_headers(stream, &trailers(), true);
    settle(&mut client, &mut server);
    assert!(matches!(&client.seen[0], Seen::Headers { kind: HeadersKind::Response, token: Token(3), .. }));
    assert_eq!(data_of(&client.seen, 1), b"pong");
    assert!(matches!(&client.seen[2], Seen::Headers { kind: HeadersKind::Trailers, end: true, .. }));
    assert_eq!((client.connection.active_streams(), server.connection.active_streams()), (0, 0));
}

#[test]
fn many_calls_in_a_row_keep_both_tables_in_step() {
    let (mut client, mut server) = pair();
    for call in 0..2_000u32 {
        let mut head = request();
        head.push(b"x-tenant", format!("tenant-{}", call % 7).as_bytes());
        head.push(b"grpc-timeout", format!("{call}m").as_bytes());
        head.push(b"x-once", format!("{call}").as_bytes());
        let stream = client.connection.open(Token(call), &head, true).expect("room for a stream");
        settle(&mut client, &mut server);
        let Some(Seen::Headers { fields, .. }) = server.take_seen().pop() else { panic!("no request {call}") };
        assert_eq!(fields[6].1, format!("tenant-{}", call % 7));
        assert_eq!(fields[8].1, format!("{call}"));
        server.connection.send_headers(stream, &response(), false);
        server.connection.send_headers(stream, &trailers(), true);
        settle(&mut client, &mut server);
        assert_eq!(client.take_seen().len(), 2, "call {call}");
    }
}

#[test]
fn a_long_lived_stream_outlives_thousands_of_short_ones() {
    let (mut client, mut server) = pair();
    let long = opened(&mut server, &mut client);
    for call in 0..1_000 {
        let stream = client.connection.open(Token(call), &request(), true).expect("room for a stream");
        settle(&mut client, &mut server);
        server.connection.send_headers(stream, &response(), true);
        settle(&mut client, &mut server);
    }
    client.seen.clear();
    server.connection.send_headers(long, &response(), false);
    server.connection.send_data(long, b"still here", true);
    settle(&mut client, &mut server);
    assert_eq!(data_of(&client.seen, long.get()), b"still here");
    assert_eq!(client.connection.active_streams(), 1);
}

#[test]
fn informational_heads_come_before_the_response() {
    let (mut client, mut server) = pair();
    let stream = opened(&mut server, &mut client);
    server.connection.send_headers(stream, &fields(&[(":status", "103")]), false);
    server.connection.send_headers(stream, &response(), true);
    settle(&mut client, &mut server);
    let kinds: Vec<_> = client
        .seen
        .iter()
        .map(|seen| match seen {
            Seen::Headers { kind, .. } => Some(*kind),
            _ => None,
        })
        .collect();
    assert_eq!(kinds, [Some(HeadersKind::Informational), Some(HeadersKind::Response)]);
}

#[test]
fn a_reset_is_told_once_and_later_frames_of_its_stream_are_ignored() {
    let (mut client, mut server) = pair();
    let stream = opened(&mut server, &mut client);
    client.connection.reset(stream, ErrorCode::CANCEL);
    server.connection.send_headers(stream, &response(), false);
    server.connection.send_data(stream, b"too late", true);
    settle(&mut client, &mut server);
    assert!(client.seen.is_empty(), "{:?}", client.seen);
    assert_eq!(server.seen.last(), Some(&Seen::Reset { stream: 1, token: Token::NONE, code: ErrorCode::CANCEL }));
    assert_eq!(server.connection.active_streams(), 0);
}

#[test]
fn a_refused_stream_is_told_as_refused() {
    let (mut client, mut server) = pair();
    let stream = opened(&mut server, &mut client);
    server.connection.reset(stream, ErrorCode::REFUSED_STREAM);
    settle(&mut client, &mut server);
    assert_eq!(client.seen, [Seen::Refused { stream: 1, token: Token(3) }]);
}

#[test]
fn a_token_set_later_comes_with_later_events() {
    let (mut client, mut server) = pair();
    let stream = opened(&mut server, &mut client);
    server.connection.set_token(stream, Token(99));
    client.connection.reset(stream, ErrorCode::CANCEL);
    settle(&mut client, &mut server);
    assert_eq!(server.seen.last(), Some(&Seen::Reset { stream: 1, token: Token(99), code: ErrorCode::CANCEL }));
}

#[test]
fn pings_come_back_with_their_payload() {
    let (mut client, mut server) = pair();
    client.connection.ping(*b"12345678");
    settle(&mut client, &mut server);
    assert_eq!(client.seen, [Seen::Pong(*b"12345678")]);
    assert!(server.seen.is_empty());
}

#[test]
fn sending_on_a_closed_stream_is_no_op() {
    let (mut client, mut server) = pair();
    let stream = opened(&mut server, &mut client);
    client.connection.reset(stream, ErrorCode::CANCEL);
    settle(&mut client, &mut server);
    assert_eq!(server.connection.send_data(stream, b"gone", true), 4);
    server.connection.send_headers(stream, &trailers(), true);
    server.connection.reset(stream, ErrorCode::CANCEL);
    assert!(server.connection.output().is_empty());
}
