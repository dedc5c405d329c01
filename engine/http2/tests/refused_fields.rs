//! Messages that RFC 9113 §8 calls malformed, and their benign twins.

mod wire;

use tulle_http2::{Config, ErrorCode, HeadersKind, Role, Token};
use wire::{End, Seen, block, frame, open_request, request};

type Pairs<'p> = &'p [(&'p str, &'p str)];

const HEAD: Pairs<'_> = &[(":method", "POST"), (":scheme", "http"), (":path", "/a/b")];

fn with(more: Pairs<'_>) -> Vec<(String, String)> {
    HEAD.iter().chain(more).map(|(n, v)| (n.to_string(), v.to_string())).collect()
}

/// What a server says to one request that ends at once: `None` where it is taken.
fn request_cause(pairs: Pairs<'_>) -> Option<&'static str> {
    let mut server = End::greeted_server(Config::default());
    server.feed(&frame(1, 5, 1, &block(pairs)));
    assert_eq!(server.failed, None);
    match server.seen.pop() {
        Some(Seen::Headers { .. }) => None,
        Some(Seen::StreamError { code: ErrorCode::PROTOCOL_ERROR, cause, .. }) => {
            assert_eq!(server.connection.active_streams(), 0);
            Some(cause)
        }
        other => panic!("neither taken nor refused: {other:?}"),
    }
}

fn cause_with(more: Pairs<'_>) -> Option<&'static str> {
    let owned = with(more);
    let pairs: Vec<(&str, &str)> = owned.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    request_cause(&pairs)
}

/// What a client says to a response.
fn response_events(frames: &[Vec<u8>]) -> Vec<Seen> {
    let mut client = End::greeted_client(Config::new(Role::Client));
    client.connection.open(Token(1), &request(), true).expect("room");
    client.feed(&frames.concat());
    assert_eq!(client.failed, None);
    client.take_seen()
}

#[test]
fn requests_with_bad_pseudo_headers_are_malformed() {
    for (pairs, cause) in [
        (&[(":method", "GET"), (":scheme", "http")][..], "request without :method, :scheme or :path"),
        (&[(":method", "GET"), (":path", "/")][..], "request without :method, :scheme or :path"),
        (&[(":scheme", "http"), (":path", "/")][..], "request without :method, :scheme or :path"),
        (
            &[(":method", "GET"), (":method", "GET"), (":scheme", "http"), (":path", "/")][..],
            "pseudo-header given twice",
        ),
        (
            &[(":method", "GET"), (":scheme", "http"), ("a", "b"), (":path", "/")][..],
            "pseudo-header after a regular field",
        ),
        (&[(":method", "GET"), (":scheme", "http"), (":path", "")][..], ":path without a leading slash"),
        (
            &[(":method", "GET"), (":scheme", "http"), (":path", "shop.Orders/Place")][..],
            ":path without a leading slash",
        ),
        (&[(":method", "GET"), (":scheme", "http"), (":path", "/"), (":status", "200")][..], ":status in a request"),
        (&[(":method", "GET"), (":scheme", "http"), (":path", "/"), (":protocol", "x")][..], "unknown pseudo-header"),
        (&[(":method", ""), (":scheme", "http"), (":path", "/")][..], "empty :method"),
        (&[(":method", "GET"), (":scheme", ""), (":path", "/")][..], "empty :scheme"),
        (
            &[(":method", "CONNECT"), (":path", "/"), (":authority", "a:1")][..],
            "CONNECT with other than :method and :authority",
        ),
    ] {
        assert_eq!(request_cause(pairs), Some(cause), "{pairs:?}");
    }
}

#[test]
fn an_authority_has_no_user_info_and_no_space_around() {
    for (value, cause) in [
        ("orders", None),
        ("orders.shop:443", None),
        ("[::1]:80", None),
        ("me@orders", Some("user info in an authority")),
        ("me:secret@orders", Some("user info in an authority")),
        ("@", Some("user info in an authority")),
        (" orders", Some("white space around a value")),
        ("orders ", Some("white space around a value")),
        ("orders\t", Some("white space around a value")),
    ] {
        assert_eq!(cause_with(&[(":authority", value)]), cause, "{value:?}");
    }
    for name in [":path", ":method", ":scheme"] {
        let head: Vec<(&str, &str)> = HEAD.iter().map(|&(n, v)| (n, if n == name { "/x " } else { v })).collect();
        assert_eq!(request_cause(&head), Some("white space around a value"), "{name}");
    }
}

#[test]
fn host_names_what_the_authority_names() {
    for (authority, host, good) in [
        ("orders", "orders", true),
        ("orders", "Orders", true),
        ("orders:80", "orders", true),
        ("orders", "orders:80", true),
        ("orders", "orders:443", false),
        ("orders", "payments", false),
        ("orders", "", false),
    ] {
        let cause = cause_with(&[(":authority", authority), ("host", host)]);
        assert_eq!(cause, (!good).then_some(":authority and Host name two hosts"), "{authority} {host}");
    }
    assert_eq!(cause_with(&[("host", "orders")]), None, "from HTTP/1.1");
    assert_eq!(cause_with(&[("host", "a"), ("host", "b")]), Some(":authority and Host name two hosts"));
    let seen = response_events(&[frame(1, 5, 1, &block(&[(":status", "200"), ("host", "any")]))]);
    assert!(matches!(seen[..], [Seen::Headers { .. }]), "a field like any other: {seen:?}");
}

/// gRPC leaves a space as it is in metadata and in status messages, and its peers send them (decision 010).
#[test]
fn a_space_around_metadata_passes_both_ways() {
    assert_eq!(cause_with(&[("database", " foo"), ("x", "bar "), ("y", " ")]), None);
    let trailers = block(&[("grpc-status", "3"), ("grpc-message", "no such thing: ")]);
    let seen = response_events(&[frame(1, 4, 1, &[0x88]), frame(1, 5, 1, &trailers)]);
    let message = ("grpc-message".to_owned(), "no such thing: ".to_owned());
    assert!(matches!(&seen[1], Seen::Headers { fields, .. } if fields[1] == message), "{seen:?}");
}

#[test]
fn what_is_malformed_names_its_field_and_the_rule() {
    for (pairs, said) in [
        (&[("grpc-status", "3"), ("grpc-message", "a\nb")][..], "field \"grpc-message\": a line feed in a value"),
        (&[("Grpc-Status", "3")], "field \"Grpc-Status\": invalid field name"),
        (&[("a\n\u{e9}", "3")], "field \"a\\n\\xc3\\xa9\": invalid field name"),
        (&[("connection", "close")], "field \"connection\": connection-specific field"),
        (&[("x", "y"), (":status", "200")], "field \":status\": pseudo-header after a regular field"),
        (&[(":status", "200")], "field \":status\": pseudo-header in trailers"),
    ] {
        let mut client = End::greeted_client(Config::new(Role::Client));
        client.connection.open(Token(1), &request(), true).expect("room");
        client.feed(&[frame(1, 4, 1, &[0x88]), frame(1, 5, 1, &block(pairs))].concat());
        assert_eq!(client.faults, [said]);
    }
}

#[test]
fn of_a_section_that_is_malformed_as_a_whole_no_field_is_named() {
    for (pairs, said) in [
        (&[(":method", "GET"), (":scheme", "http")][..], "request without :method, :scheme or :path"),
        (
            &[(":method", "GET"), (":scheme", "http"), (":path", "/"), (":status", "200")],
            "field \":status\": :status in a request",
        ),
        (
            &[(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a"), ("host", "b")],
            "field \"host\": :authority and Host name two hosts",
        ),
    ] {
        let mut server = End::greeted_server(Config::default());
        server.feed(&frame(1, 5, 1, &block(pairs)));
        assert_eq!(server.faults, [said]);
    }
}

#[test]
fn an_applications_own_status_outlives_the_fault() {
    let mut client = End::greeted_client(Config::new(Role::Client));
    client.connection.open(Token(1), &request(), true).expect("room");
    let trailers = block(&[("grpc-message", "a\rb"), ("grpc-status", "3")]);
    client.feed(&[frame(1, 4, 1, &[0x88]), frame(1, 5, 1, &trailers)].concat());
    assert_eq!(client.field("grpc-status").as_deref(), Some("3"));
}

#[test]
fn an_error_of_other_frames_is_no_fault_of_a_section() {
    let mut server = End::greeted_server(Config::default());
    server.feed(&frame(1, 5, 1, &block(&[("x", "\n")]))).feed(&open_request(3)).feed(&frame(8, 0, 3, &[0; 4]));
    let errors = server.seen.iter().filter(|seen| matches!(seen, Seen::StreamError { .. })).count();
    assert_eq!((errors, server.faults.len()), (2, 1), "{:?}", server.seen);
}

#[test]
fn good_requests_are_taken() {
    assert_eq!(cause_with(&[]), None);
    assert_eq!(request_cause(&[(":method", "CONNECT"), (":authority", "a:1")]), None);
    assert_eq!(request_cause(&[(":method", "OPTIONS"), (":scheme", "http"), (":path", "*")]), None);
    assert_eq!(cause_with(&[(":authority", "a"), ("te", "trailers"), ("x!#$%&'*+-.^_`|~9", "")]), None);
    assert_eq!(cause_with(&[("grpc-message", "ends with a space "), ("x", "\u{80}\t\u{ff}")]), None);
    assert_eq!(cause_with(&[("content-length", "0"), ("content-length", "0"), ("cookie", "a"), ("cookie", "b")]), None);
}

#[test]
fn fields_that_smuggle_are_malformed() {
    for (field, cause) in [
        (("Upper", "x"), "invalid field name"),
        (("", "x"), "invalid field name"),
        (("a b", "x"), "invalid field name"),
        (("a:b", "x"), "invalid field name"),
        (("a\u{7f}", "x"), "invalid field name"),
        (("a\n", "x"), "invalid field name"),
        (("a", "x\r\ny: z"), "a carriage return in a value"),
        (("a", "x\n"), "a line feed in a value"),
        (("a", "\0"), "NUL in a value"),
        (("a", "\tx"), "white space around a value"),
        (("a", "x\t"), "white space around a value"),
        (("host", "orders "), "white space around a value"),
        (("host", "me@orders"), "user info in an authority"),
        (("connection", "close"), "connection-specific field"),
        (("keep-alive", "1"), "connection-specific field"),
        (("proxy-connection", "1"), "connection-specific field"),
        (("transfer-encoding", "chunked"), "connection-specific field"),
        (("upgrade", "h2c"), "connection-specific field"),
        (("te", "gzip"), "te other than trailers"),
        (("content-length", "x"), "content-length is no number"),
        (("content-length", "-1"), "content-length is no number"),
        (("content-length", "99999999999999999999"), "content-length is no number"),
        (("content-length", "7"), "end before the content that content-length told"),
    ] {
        assert_eq!(cause_with(&[field]), Some(cause), "{field:?}");
    }
    let unequal = cause_with(&[("content-length", "1"), ("content-length", "2")]);
    assert_eq!(unequal, Some("content-length given twice, unequal"));
}

#[test]
fn a_malformed_field_is_found_again_where_it_comes_from_the_table() {
    let mut server = End::greeted_server(Config::default());
    let head = block(HEAD);
    let insert = [&head[..], b"\x40\x01a\x03x\ny"].concat();
    server.feed(&frame(1, 5, 1, &insert)).feed(&frame(1, 5, 3, &[&head[..], &[0xbe]].concat()));
    let errors = server.seen.iter().filter(|seen| matches!(seen, Seen::StreamError { .. })).count();
    assert_eq!(errors, 2, "{:?}", server.seen);
}

#[test]
fn content_length_must_agree_with_data() {
    for (told, data, good) in [("3", &b"abc"[..], true), ("3", b"abcd", false), ("3", b"ab", false), ("0", b"", true)] {
        let mut server = End::greeted_server(Config::default());
        let head = block(&[HEAD, &[("content-length", told)]].concat());
        server.feed(&frame(1, 4, 1, &head)).feed(&frame(0, 1, 1, data));
        let is_error = matches!(server.seen.last(), Some(Seen::StreamError { code: ErrorCode::PROTOCOL_ERROR, .. }));
        assert_eq!(is_error, !good, "told {told}, sent {}: {:?}", data.len(), server.seen);
    }
}

#[test]
fn trailers_have_no_pseudo_headers_and_end_the_stream() {
    for (trailers, good) in [
        (frame(1, 5, 1, &block(&[("x", "y")])), true),
        (frame(1, 4, 1, &block(&[("x", "y")])), false),
        (frame(1, 5, 1, &block(&[(":path", "/x")])), false),
        (frame(1, 5, 1, &block(&[("connection", "x")])), false),
    ] {
        let mut server = End::greeted_server(Config::default());
        server.feed(&open_request(1)).feed(&trailers);
        let taken = matches!(server.seen.last(), Some(Seen::Headers { kind: HeadersKind::Trailers, end: true, .. }));
        assert_eq!(taken, good, "{:?}", server.seen);
    }
}

#[test]
fn responses_have_one_status_of_three_digits() {
    for (pairs, good) in [
        (&[(":status", "200")][..], true),
        (&[(":status", "999")], true),
        (&[(":status", "20")], false),
        (&[(":status", "+20")], false),
        (&[(":status", "099")], false),
        (&[(":status", "101")], false),
        (&[(":status", "200"), (":status", "200")], false),
        (&[(":status", "200"), (":path", "/")], false),
        (&[("server", "x")], false),
        (&[("server", "x"), (":status", "200")], false),
    ] {
        let seen = response_events(&[frame(1, 5, 1, &block(pairs))]);
        assert_eq!(
            matches!(seen[..], [Seen::Headers { kind: HeadersKind::Response, .. }]),
            good,
            "{pairs:?}: {seen:?}"
        );
    }
}

#[test]
fn a_1xx_head_may_not_end_the_stream() {
    let seen = response_events(&[frame(1, 5, 1, &block(&[(":status", "103")]))]);
    assert!(matches!(seen[..], [Seen::StreamError { .. }]), "{seen:?}");
}

#[test]
fn responses_without_content_may_tell_its_length() {
    let seen = response_events(&[frame(1, 5, 1, &block(&[(":status", "304"), ("content-length", "9")]))]);
    assert!(matches!(seen[..], [Seen::Headers { end: true, .. }]), "{seen:?}");
    let mut client = End::greeted_client(Config::new(Role::Client));
    let head = wire::fields(&[(":method", "HEAD"), (":scheme", "http"), (":path", "/")]);
    client.connection.open(Token(1), &head, true).expect("room");
    client.feed(&frame(1, 5, 1, &block(&[(":status", "200"), ("content-length", "9")])));
    assert!(matches!(client.seen[..], [Seen::Headers { end: true, .. }]), "{:?}", client.seen);
}
