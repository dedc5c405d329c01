//! Each attack on a rate or a bound, beside its benign twin.

mod wire;

use std::time::Duration;

use tulle_http2::{Config, ErrorCode, PeerLimit, PeerLimits, Role, Token};
use wire::{End, Seen, block, frame, open_request, pair, request, request_block, response, settle};

fn server() -> End {
    End::greeted_server(Config::default())
}

fn calm(end: &End) -> Option<&'static str> {
    end.failed.map(|error| {
        assert_eq!(error.code, ErrorCode::ENHANCE_YOUR_CALM);
        error.cause
    })
}

/// Feeds `times` rounds, flushing after each as a socket would.
fn rounds(end: &mut End, times: u32, mut input: impl FnMut(u32) -> Vec<u8>) {
    for round in 0..times {
        if end.failed.is_some() {
            return;
        }
        end.feed(&input(round));
        end.take_output();
    }
}

fn reset(stream: u32) -> Vec<u8> {
    frame(3, 0, stream, &[0, 0, 0, 8])
}

#[test]
fn rapid_reset_ends_the_connection() {
    let mut end = server();
    rounds(&mut end, 2_000, |n| [open_request(2 * n + 1), reset(2 * n + 1)].concat());
    assert_eq!(calm(&end), None);
    rounds(&mut end, 1, |_| [open_request(4_001), reset(4_001)].concat());
    assert_eq!(calm(&end), Some("too many streams reset at once"));
    assert_eq!(end.failed.and_then(|error| error.limit), Some(PeerLimit::Resets));
}

/// Searches as one types, hedging clients, short deadlines: 2,000 cancels a second, each a millisecond or more after its
/// call.
#[test]
fn any_number_of_cancels_is_honest_that_the_other_side_could_have_seen() {
    let mut end = server();
    for n in 0..20_000 {
        end.feed(&open_request(2 * n + 1));
        end.now += Duration::from_millis(1);
        end.feed(&reset(2 * n + 1));
        end.take_output();
    }
    assert_eq!(calm(&end), None);
}

#[test]
fn our_own_application_may_reset_as_it_likes() {
    let limits = PeerLimits { resets: PeerLimits::UNLIMITED, ..PeerLimits::default() };
    let mut end = End::greeted_server(Config { peer_limits: limits, ..Config::default() });
    rounds(&mut end, 20_000, |n| [open_request(2 * n + 1), reset(2 * n + 1)].concat());
    assert_eq!(calm(&end), None);
}

#[test]
fn rapid_reset_of_streams_that_were_refused_is_no_excuse() {
    let mut end = End::greeted_server(Config { max_concurrent_streams: 0, ..Config::default() });
    rounds(&mut end, 2_001, |n| [open_request(2 * n + 1), reset(2 * n + 1)].concat());
    assert_eq!(calm(&end), Some("too many streams reset at once"));

    let mut end = End::greeted_server(Config { max_concurrent_streams: 0, ..Config::default() });
    rounds(&mut end, 5_000, |n| open_request(2 * n + 1));
    assert_eq!(calm(&end), None, "a burst before our SETTINGS arrived");
}

#[test]
fn errors_on_streams_that_were_refused_are_no_excuse() {
    for error in [frame(8, 0, 1, &[0; 4]), frame(8, 0, 1, &[0x7f, 0xff, 0xff, 0xff]), frame(2, 0, 1, &[0; 4])] {
        let mut end = End::greeted_server(Config { max_concurrent_streams: 0, ..Config::default() });
        end.feed(&open_request(1));
        rounds(&mut end, 300, |_| error.clone());
        assert_eq!(calm(&end), Some("too many stream errors"));
    }
}

#[test]
fn many_cancels_among_more_calls_are_honest() {
    let (mut client, mut server) = pair();
    for n in 0..3_000 {
        let stream = client.connection.open(Token(n), &request(), true).expect("room");
        settle(&mut client, &mut server);
        if n % 3 == 0 {
            client.connection.reset(stream, ErrorCode::CANCEL);
        } else {
            server.connection.send_headers(stream, &response(), true);
        }
        settle(&mut client, &mut server);
    }
    let resets = server.seen.iter().filter(|seen| matches!(seen, Seen::Reset { .. })).count();
    assert_eq!((calm(&server), resets), (None, 1_000));
}

#[test]
fn cancels_spread_over_time_do_not_add_up() {
    let mut end = server();
    for n in 0..8_000 {
        end.now += Duration::from_millis(10);
        end.feed(&[open_request(2 * n + 1), reset(2 * n + 1)].concat());
        end.take_output();
    }
    assert_eq!(calm(&end), None);
}

#[test]
fn resets_we_are_made_to_send_are_counted() {
    let mut end = server();
    rounds(&mut end, 300, |n| [open_request(2 * n + 1), frame(8, 0, 2 * n + 1, &[0; 4])].concat());
    assert_eq!(calm(&end), Some("too many stream errors"));

    let mut end = server();
    rounds(&mut end, 150, |n| [open_request(2 * n + 1), frame(8, 0, 2 * n + 1, &[0; 4])].concat());
    assert_eq!(calm(&end), None);
}

#[test]
fn empty_data_frames_end_the_connection_and_keepalives_between_messages_do_not() {
    let mut end = server();
    end.feed(&open_request(1));
    rounds(&mut end, 200, |_| frame(0, 0, 1, &[]));
    assert_eq!(calm(&end), Some("too many empty DATA frames"));

    let mut end = server();
    end.feed(&open_request(1));
    rounds(&mut end, 200, |_| [frame(0, 0, 1, &[]), frame(0, 0, 1, b"x")].concat());
    assert_eq!(calm(&end), None);
}

#[test]
fn data_of_nothing_but_padding_is_empty() {
    for padded in [vec![0], vec![3, 0, 0, 0]] {
        let mut end = server();
        end.feed(&open_request(1));
        rounds(&mut end, 101, |_| frame(0, 8, 1, &padded));
        assert_eq!(calm(&end), Some("too many empty DATA frames"), "{padded:?}");
    }

    let mut end = server();
    end.feed(&open_request(1));
    rounds(&mut end, 200, |_| frame(0, 8, 1, &[1, b'x', 0]));
    assert_eq!(calm(&end), None, "padding around a byte");
}

#[test]
fn a_continuation_flood_ends_the_connection() {
    let mut end = server();
    end.feed(&frame(1, 0, 1, &request_block()));
    rounds(&mut end, 20, |_| frame(9, 0, 1, &[]));
    assert_eq!(calm(&end), Some("too many CONTINUATION frames"));
}

/// CVE-2024-27316 with frames that hold something, but little.
#[test]
fn a_flood_of_small_continuations_ends_the_connection() {
    let mut end = server();
    end.feed(&frame(1, 0, 1, &request_block()));
    let part = [&[0, 1, b'x', 127, 0x80, 0x1f][..], &[b'v'; 4_095]].concat();
    rounds(&mut end, 1_000, |_| frame(9, 0, 1, &part));
    assert_eq!(calm(&end), Some("too many CONTINUATION frames"));
}

#[test]
fn a_block_in_eight_continuations_is_taken() {
    let mut end = server();
    let bytes = request_block();
    let parts: Vec<&[u8]> = bytes.chunks(bytes.len().div_ceil(9)).collect();
    end.feed(&frame(1, 1, 1, parts[0]));
    for (at, part) in parts[1..].iter().enumerate() {
        end.feed(&frame(9, if at + 2 == parts.len() { 4 } else { 0 }, 1, part));
    }
    assert!(matches!(end.seen[..], [Seen::Headers { end: true, .. }]), "{:?}", end.seen);
}

#[test]
fn a_header_block_dribbled_over_five_seconds_ends_the_connection() {
    for (wait, refused) in [(4, false), (6, true)] {
        let mut end = server();
        end.feed(&frame(1, 0, 1, &request_block()));
        assert_eq!(end.connection.header_block_since(), Some(end.now));
        end.now += Duration::from_secs(wait);
        end.feed(&frame(9, 4, 1, &[]));
        assert_eq!(calm(&end).is_some(), refused);
    }
}

#[test]
fn settings_floods_end_the_connection() {
    let mut end = server();
    rounds(&mut end, 200, |_| frame(4, 0, 0, &[]));
    assert_eq!(calm(&end), Some("too many SETTINGS"));

    let mut end = server();
    for _ in 0..200 {
        end.now += Duration::from_secs(1);
        end.feed(&frame(4, 0, 0, &[]));
        end.take_output();
    }
    assert_eq!(calm(&end), None);
}

#[test]
fn ping_floods_end_the_connection_and_keepalives_do_not() {
    let mut end = server();
    rounds(&mut end, 2_000, |_| frame(6, 0, 0, &[0; 8]));
    assert_eq!(calm(&end), Some("too many PINGs"));

    let mut end = server();
    for _ in 0..5_000 {
        end.now += Duration::from_millis(100);
        end.feed(&frame(6, 0, 0, &[0; 8]));
        end.take_output();
    }
    assert_eq!(calm(&end), None);
}

#[test]
fn priority_and_unknown_frames_are_counted_together() {
    let mut end = server();
    rounds(&mut end, 2_000, |n| if n % 2 == 0 { frame(2, 0, 1, &[0; 5]) } else { frame(200, 0, 0, &[]) });
    assert_eq!(calm(&end), Some("too many PRIORITY or unknown frames"));
}

#[test]
fn window_updates_are_earned_by_the_data_we_send() {
    let mut end = server();
    rounds(&mut end, 3_000, |_| frame(8, 0, 0, &[0, 0, 0, 1]));
    assert_eq!(calm(&end), Some("too many WINDOW_UPDATEs"));

    let mut end = End::greeted_client(Config::new(Role::Client));
    let stream = end.connection.open(Token(1), &request(), false).expect("room");
    for _ in 0..3_000 {
        end.connection.send_data(stream, &[0; 100], false);
        end.take_output();
        end.feed(&frame(8, 0, 0, &[0, 0, 0, 100])).feed(&frame(8, 0, 1, &[0, 0, 0, 100]));
    }
    assert_eq!(calm(&end), None);
}

/// Found by the simulation: a server that stood still gave back in one window what it was sent in the one before.
#[test]
fn window_updates_may_come_a_window_later_than_the_data_that_they_are_for() {
    let update = |_| frame(8, 0, 0, &[0, 0, 0, 1]);
    let mut end = End::greeted_client(Config::new(Role::Client));
    end.feed(&update(0));
    let stream = end.connection.open(Token(1), &request(), false).expect("room");
    for _ in 0..600 {
        end.connection.send_data(stream, &[0; 100], false);
    }
    end.take_output();

    end.now += Duration::from_secs(11);
    rounds(&mut end, 3_000, update);
    assert_eq!(calm(&end), None, "what 600 frames earn");

    end.now += Duration::from_secs(11);
    rounds(&mut end, 3_000, update);
    assert_eq!(calm(&end), Some("too many WINDOW_UPDATEs"), "nothing adds up over a connection's life");
}

#[test]
fn an_hpack_bomb_costs_no_memory_and_at_last_the_connection() {
    let mut end = server();
    let insert = [&request_block()[..], b"\x40\x01a\x7f\xa1\x1e", &[b'v'; 4_000][..]].concat();
    end.feed(&frame(1, 5, 1, &insert));
    end.feed(&frame(1, 5, 3, &[&request_block()[..], &[0xbe; 10_000]].concat()));
    assert_eq!(calm(&end), None);
    assert!(matches!(end.seen.last(), Some(Seen::HeadersRefused { stream: 3, .. })), "{:?}", end.seen);

    end.feed(&frame(1, 1, 5, &request_block()));
    rounds(&mut end, 8, |_| frame(9, 0, 5, &[0xbe; 16_000]));
    assert_eq!(end.failed.and_then(|error| error.limit), Some(PeerLimit::HeaderBlock));
}

#[test]
fn a_refused_block_does_not_put_the_table_out_of_step() {
    let mut end = server();
    let many: Vec<(&str, &str)> = std::iter::repeat_n(("x", "y"), 200).collect();
    let refused = [&block(&many)[..], b"\x40\x05later\x05value"].concat();
    end.feed(&frame(1, 5, 1, &refused));
    end.feed(&frame(1, 5, 3, &[&request_block()[..], &[0xbe]].concat()));
    let Some(Seen::Headers { fields, .. }) = end.seen.last() else { panic!("{:?}", end.seen) };
    assert_eq!(fields.last(), Some(&("later".to_owned(), "value".to_owned())));
}

#[test]
fn frames_that_change_nothing_are_a_flood() {
    let mut end = server();
    end.feed(&[open_request(1), reset(1)].concat());
    rounds(&mut end, 2_000, |_| reset(1));
    assert_eq!(calm(&end), Some("too many frames that change nothing"));

    let mut end = server();
    rounds(&mut end, 2_000, |_| frame(7, 0, 0, &[0; 8]));
    assert_eq!(calm(&end), Some("too many frames that change nothing"));

    let mut end = server();
    rounds(&mut end, 200, |_| frame(4, 1, 0, &[]));
    assert_eq!(calm(&end), Some("too many SETTINGS"));
}

#[test]
fn a_reset_that_crosses_our_reply_is_honest_for_every_call() {
    let mut end = server();
    for n in 0..5_000 {
        end.feed(&open_request(2 * n + 1));
        let stream = end.last_stream();
        end.connection.send_headers(stream, &response(), true);
        end.connection.reset(stream, ErrorCode::NO_ERROR);
        end.feed(&reset(2 * n + 1));
        end.take_output();
    }
    assert_eq!(calm(&end), None);
}
