//! A frame that has begun and does not end is seen, whichever it is and wherever it stopped.

mod wire;

use std::time::Duration;

use tulle_http2::{Config, ErrorCode};
use wire::{End, frame, open_request};

fn server() -> End {
    let mut end = End::greeted_server(Config::default());
    end.feed(&open_request(1));
    end
}

#[test]
fn between_two_frames_nothing_is_unfinished() {
    let mut end = End::new(Config::default());
    assert_eq!(end.connection.frame_since(), None);
    end.feed(b"PRI * HTTP/2.0");
    assert_eq!(end.connection.frame_since(), None, "a preface is the handshake's to watch");
    assert_eq!(server().connection.frame_since(), None);
}

#[test]
fn a_frame_that_is_handled_whole_counts_from_its_first_byte() {
    let settings = frame(4, 0, 0, &[0, 4, 0, 1, 0, 0]);
    for cut in 1..settings.len() {
        let mut end = server();
        let began = end.now;
        end.feed(&settings[..cut]);
        assert_eq!(end.connection.frame_since(), Some(began), "cut at {cut}");
        end.now += Duration::from_secs(7);
        end.feed(&settings[cut..]);
        assert_eq!(end.connection.frame_since(), None, "cut at {cut}");
    }
}

/// Header and payload each begin anew, so a frame of one byte at a time is found after twice the time at the latest.
#[test]
fn bytes_that_dribble_in_do_not_renew_it() {
    let mut end = server();
    let settings = frame(4, 0, 0, &[0, 4, 0, 1, 0, 0]);
    end.feed(&settings[..9]);
    let began = end.now;
    for byte in &settings[9..14] {
        end.now += Duration::from_secs(7);
        end.feed(&[*byte]);
        assert!(end.connection.frame_since() <= Some(began + Duration::from_secs(7)));
    }
}

#[test]
fn data_counts_from_the_last_byte_that_came_of_it() {
    for (flags, payload) in [(0, &b"some data"[..]), (8, b"\x03some data\0\0\0")] {
        let data = frame(0, flags, 1, payload);
        let mut end = server();
        for byte in &data[..data.len() - 1] {
            end.now += Duration::from_secs(7);
            end.feed(&[*byte]);
        }
        assert_eq!(end.connection.frame_since(), Some(end.now));
        end.feed(&data[data.len() - 1..]);
        assert_eq!(end.connection.frame_since(), None);
    }
}

#[test]
fn data_of_a_closed_stream_is_no_exception() {
    let mut end = server();
    let stream = end.last_stream();
    end.connection.reset(stream, ErrorCode::CANCEL);
    end.feed(&frame(0, 0, 1, b"some data")[..12]);
    assert_eq!(end.connection.frame_since(), Some(end.now));
}

/// A connection whose every read ends within a frame is in good health.
#[test]
fn a_frame_that_begins_in_the_read_in_which_another_ends_counts_from_there() {
    let mut end = server();
    let bytes = [frame(4, 1, 0, &[]), frame(6, 0, 0, b"12345678"), frame(0, 0, 1, b"abc")].concat().repeat(30);
    for part in bytes.chunks(11) {
        end.now += Duration::from_secs(1);
        end.feed(part);
        let since = end.connection.frame_since();
        assert!(since.is_none_or(|since| end.now - since <= Duration::from_secs(2)), "{since:?}");
    }
}
