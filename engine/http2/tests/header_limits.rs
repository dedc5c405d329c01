//! A field section over a limit costs its stream alone, up to what no honest peer sends.

mod wire;

use tulle_http2::{Config, Connection, Exceeded, HeaderLimit, HeaderLimits, HeadersKind, PeerLimit, Role, Token};
use wire::{End, Seen, block, frame, request, request_block};

type Pairs<'p> = &'p [(&'p str, &'p str)];

const HEAD: Pairs<'_> = &[(":method", "POST"), (":scheme", "http"), (":path", "/a/b")];
const FIELDS: HeaderLimit = HeaderLimit::Fields;

fn request_of(more: Pairs<'_>) -> Vec<u8> {
    block(&[HEAD, more].concat())
}

/// A block in frames of `size` bytes.
fn frames(stream: u32, ends: bool, block: &[u8], size: usize) -> Vec<u8> {
    let parts: Vec<&[u8]> = block.chunks(size).collect();
    let of = |(at, part): (usize, &&[u8])| {
        let flags = if at + 1 == parts.len() { 4 } else { 0 } | u8::from(at == 0 && ends);
        frame(if at == 0 { 1 } else { 9 }, flags, stream, part)
    };
    parts.iter().enumerate().flat_map(of).collect()
}

/// A client that has sent a request.
fn client() -> End {
    let mut client = End::greeted_client(Config::new(Role::Client));
    client.connection.open(Token(1), &request(), true).expect("room");
    client
}

fn ended_by(end: &End) -> Option<PeerLimit> {
    end.failed.and_then(|error| error.limit)
}

/// What the only refusal of an end says.
fn refusal(end: &End) -> Exceeded {
    let mut refusals = end.seen.iter().filter_map(|seen| match seen {
        Seen::HeadersRefused { limit, .. } => Some(*limit),
        _ => None,
    });
    let first = refusals.next().expect("a refusal");
    assert_eq!(refusals.next(), None);
    first
}

#[test]
fn a_list_over_its_size_is_refused_and_the_stream_can_still_be_answered() {
    let mut server = End::greeted_server(Config::default());
    let long = "x".repeat(8_000);
    let over = block(&[HEAD, &[("a", &long), ("b", &long), ("c", &long)]].concat());
    let (first, rest) = over.split_at(16_000);
    server.feed(&frame(1, 1, 1, first)).feed(&frame(9, 4, 1, rest));
    let [Seen::HeadersRefused { stream: 1, limit, end: true }] = server.seen[..] else { panic!("{:?}", server.seen) };
    assert_eq!(limit.to_string(), "24,226 bytes; the limit is 16,384 (max_header_list_bytes)");
    assert_eq!(server.connection.active_streams(), 1);
    let stream = wire::stream_id(&mut End::greeted_client(Config::new(Role::Client)));
    server.connection.send_headers(stream, &wire::fields(&[(":status", "200"), ("grpc-status", "8")]), true);
    assert_eq!(server.take_frames().len(), 1);
    assert_eq!(server.connection.active_streams(), 0);
}

#[test]
fn the_benign_twin_of_15_kib_passes_whole() {
    let long = "x".repeat(5_000);
    let mut server = End::greeted_server(Config::default());
    server.feed(&frame(1, 5, 1, &request_of(&[("a", &long), ("b", &long), ("c", &long)])));
    assert!(matches!(server.seen[..], [Seen::Headers { .. }]), "{:?}", server.seen);
}

#[test]
fn cookie_crumbs_count_one_by_one() {
    let crumbs: Vec<(&str, &str)> = HEAD.iter().copied().chain(std::iter::repeat_n(("cookie", "a=b"), 126)).collect();
    let mut server = End::greeted_server(Config::default());
    server.feed(&frame(1, 5, 1, &block(&crumbs))).feed(&frame(1, 5, 3, &block(&crumbs[..128])));
    assert_eq!(refusal(&server).to_string(), "129 fields; the limit is 128 (max_header_fields)");
    assert!(matches!(server.seen[1], Seen::Headers { .. }), "{:?}", server.seen);
}

#[test]
fn refused_trailers_of_a_response_are_told_to_the_client() {
    let many: Vec<(&str, &str)> = std::iter::repeat_n(("a", "b"), 200).collect();
    let mut client = client();
    client.feed(&frame(1, 4, 1, &[0x88])).feed(&frame(1, 5, 1, &block(&many)));
    let limit = Exceeded { limit: FIELDS, seen: 200, most: 128 };
    assert_eq!(client.seen[1], Seen::HeadersRefused { stream: 1, limit, end: true });
}

/// Requests, initial metadata, trailers and details of any size that a program sends by mistake.
#[test]
fn a_section_of_up_to_900_kib_costs_its_stream_alone() {
    for size in [20, 64, 256, 900] {
        let value = "v".repeat(size * 1024);
        for many in [vec![("details", &value[..])], vec![("details", &value[..1_000]); size]] {
            let mut server = End::greeted_server(Config::default());
            server.feed(&frames(1, true, &request_of(&many), 16_384));
            assert_eq!(server.failed, None, "{size} KiB");
            let exceeded = refusal(&server);
            assert!((size as u32 * 1_000..size as u32 * 1_100).contains(&exceeded.seen), "{size} KiB: {exceeded}");
            server.feed(&frame(1, 5, 3, &request_block()));
            assert!(matches!(server.seen[1], Seen::Headers { kind: HeadersKind::Request, .. }), "{size} KiB");
        }
    }
}

#[test]
fn a_section_of_20_000_fields_costs_its_stream_alone() {
    let mut server = End::greeted_server(Config::default());
    server.feed(&frames(1, true, &request_of(&vec![("x", ""); 20_000]), 16_384));
    let limit = Exceeded { limit: FIELDS, seen: 20_003, most: 128 };
    assert_eq!(server.seen, [Seen::HeadersRefused { stream: 1, limit, end: true }]);
    assert_eq!(server.failed, None);
}

#[test]
fn an_answer_over_the_limit_keeps_the_applications_own_status() {
    let (status, message) = (("grpc-status", "9"), ("grpc-message", "out of stock"));
    let details = "d".repeat(900 * 1024);
    for list in [
        [status, message, ("grpc-status-details-bin", &details)],
        [("grpc-status-details-bin", &details), status, message],
        [status, ("grpc-status-details-bin", &details), message],
        [status, ("grpc-status-details-bin", &details[..20_000]), message],
    ] {
        let mut client = client();
        client.feed(&frame(1, 4, 1, &[0x88])).feed(&frames(1, true, &block(&list), 16_384));
        assert_eq!(refusal(&client).limit, HeaderLimit::ListBytes);
        let kept = (client.field("grpc-status"), client.field("grpc-message"));
        assert_eq!(kept, (Some("9".to_owned()), Some("out of stock".to_owned())));
        assert_eq!(client.field("grpc-status-details-bin"), None, "nothing else is kept");
        assert_eq!(client.failed, None);
    }
}

#[test]
fn of_a_status_message_over_the_limit_the_beginning_is_kept() {
    for size in [20_000, 900_000] {
        let message = format!("a stack trace {}", "%0A".repeat(size / 3));
        let mut client = client();
        let list = block(&[("grpc-message", &message), ("grpc-status", "2")]);
        client.feed(&frame(1, 4, 1, &[0x88])).feed(&frames(1, true, &list, 16_384));
        let kept = client.field("grpc-message").expect("a message");
        assert!(kept.len() > 1_000 && message.starts_with(&kept) && kept.ends_with("%0A"), "{kept}");
        assert_eq!(client.field("grpc-status").as_deref(), Some("2"));
    }
}

#[test]
fn beyond_what_any_program_sends_the_connection_ends() {
    let limits = HeaderLimits { max_block_bytes: 100_000, max_block_fields: 1_000, ..HeaderLimits::default() };
    for (good, bad) in [
        (request_of(&[("a", &"v".repeat(99_000))]), request_of(&[("a", &"v".repeat(101_000))])),
        (request_of(&[("x", ""); 997]), request_of(&[("x", ""); 998])),
    ] {
        let mut server = End::greeted_server(Config { header_limits: limits, ..Config::default() });
        server.feed(&frames(1, true, &good, 16_384));
        assert_eq!(server.failed, None);
        server.feed(&frames(3, true, &bad, 16_384));
        assert_eq!(ended_by(&server), Some(PeerLimit::HeaderBlock));
    }
}

#[test]
fn a_field_name_longer_than_any_list_ends_the_connection() {
    let mut server = End::greeted_server(Config::default());
    server.feed(&frames(1, true, &request_of(&[(&"n".repeat(100_000), "v")]), 16_384));
    assert_eq!(ended_by(&server), Some(PeerLimit::HeaderBlock));
}

#[test]
fn what_one_hop_lets_through_the_next_does_not_refuse_for_what_the_mesh_added() {
    let limits = HeaderLimits::default();
    let mut client =
        End::greeted_client(Config { header_limits: limits.between_sidecars(), ..Config::new(Role::Client) });
    client.connection.open(Token(1), &request(), true).expect("room");
    let own = "t".repeat(16_384 - 32 - 1);
    let added = [("tulle-reason", "upstream_reset"), ("grpc-previous-rpc-attempts", "2")];
    client.feed(&frame(1, 4, 1, &[0x88])).feed(&frames(
        1,
        true,
        &block(&[&[("t", &own[..])][..], &added].concat()),
        16_384,
    ));
    assert!(matches!(client.seen[1], Seen::Headers { kind: HeadersKind::Trailers, .. }), "{:?}", client.seen);
}

/// A client that keeps to what is announced fails by itself: nobody would learn the limit, nor what was answered.
#[test]
fn a_list_up_to_what_is_still_decoded_is_not_forbidden_to_the_peer() {
    for role in [Role::Client, Role::Server] {
        let config = Config {
            header_limits: HeaderLimits { max_list_bytes: 2_048, ..HeaderLimits::default() },
            ..Config::new(role)
        };
        let connection = Connection::new(config);
        let told = [&6u16.to_be_bytes()[..], &(1u32 << 20).to_be_bytes()].concat();
        assert!(connection.output().windows(told.len()).any(|window| window == told));
    }
}
