//! Windows grow where the peer uses them up fast and all is taken at once, and shrink where it is not.

mod wire;

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use tulle_http2::{Config, Role, StreamId, Token};
use wire::{End, frame, request};

const INITIAL: i64 = 65_536;
const MOST: i64 = 4 << 20;
const OF_ALL: i64 = 16 << 20;

/// A client that downloads, and what its server may still send.
struct Download {
    end: End,
    streams: Vec<StreamId>,
    connection: i64,
    windows: BTreeMap<u32, i64>,
    unreleased: BTreeMap<u32, i64>,
}

impl Download {
    fn of(config: Config, streams: u32) -> Self {
        let mut end = End::greeted_client(config);
        let open = |n| end.connection.open(Token(n), &request(), true).expect("room");
        let streams: Vec<StreamId> = (0..streams).map(open).collect();
        end.take_output();
        let windows = streams.iter().map(|stream| (stream.get(), i64::from(config.stream_window))).collect();
        let connection = i64::from(config.connection_window);
        let mut made = Self { end, streams, connection, windows, unreleased: BTreeMap::new() };
        for at in 0..made.streams.len() {
            let head = frame(1, 4, made.streams[at].get(), b"\x88");
            made.end.feed(&head);
        }
        made
    }

    fn new() -> Self {
        Self::of(Config::new(Role::Client), 1)
    }

    fn window(&self, at: usize) -> i64 {
        self.windows[&self.streams[at].get()]
    }

    fn buffered(&self, at: usize) -> i64 {
        self.unreleased.get(&self.streams[at].get()).copied().unwrap_or_default()
    }

    /// The server sends what it may of `bytes`.
    fn comes(&mut self, at: usize, bytes: i64) -> i64 {
        let id = self.streams[at].get();
        let may = bytes.min(self.window(at)).min(self.connection).max(0);
        for part in vec![0; may as usize].chunks(16_384) {
            self.end.feed(&frame(0, 0, id, part));
        }
        self.connection -= may;
        *self.windows.entry(id).or_default() -= may;
        *self.unreleased.entry(id).or_default() += may;
        self.read_updates();
        may
    }

    fn release(&mut self, at: usize, bytes: i64) {
        let bytes = bytes.min(self.buffered(at));
        *self.unreleased.entry(self.streams[at].get()).or_default() -= bytes;
        self.end.connection.release(self.streams[at], bytes as u32);
        self.read_updates();
    }

    fn read_updates(&mut self) {
        for update in self.end.take_frames().iter().filter(|frame| frame.kind == 8) {
            let by = i64::from(u32::from_be_bytes(update.payload[..].try_into().expect("4 bytes")));
            match update.stream {
                0 => self.connection += by,
                stream => *self.windows.entry(stream).or_default() += by,
            }
        }
    }

    /// So many bytes of a stream pass, `rate` of them a second, each released at once.
    fn passes(&mut self, at: usize, bytes: i64, rate: i64) {
        let mut left = bytes;
        while left > 0 {
            let part = left.min(16_384);
            self.end.now += Duration::from_secs_f64(part as f64 / rate as f64);
            assert!(self.comes(at, part) > 0, "the peer waits for window");
            let all = self.buffered(at);
            self.release(at, all);
            left -= part;
        }
    }
}

#[test]
fn a_fast_download_grows_both_windows_to_their_most() {
    let mut download = Download::new();
    download.passes(0, 100 << 20, 100 << 20);
    assert!((MOST * 3 / 4..=MOST).contains(&download.window(0)), "{}", download.window(0));
    assert!((OF_ALL * 3 / 4..=OF_ALL).contains(&download.connection), "{}", download.connection);
}

#[test]
fn four_mebibytes_grow_a_window_while_they_come() {
    let mut download = Download::new();
    download.passes(0, 4 << 20, 100 << 20);
    assert!(download.window(0) > 1 << 20, "{}", download.window(0));
}

#[test]
fn a_window_that_is_used_up_once_a_round_trip_of_200_ms_grows() {
    let mut download = Download::new();
    download.passes(0, 1 << 20, INITIAL * 5);
    assert!(download.window(0) > INITIAL, "{}", download.window(0));
}

#[test]
fn a_slow_stream_keeps_its_window_however_long_it_lasts() {
    let mut download = Download::new();
    download.passes(0, 10 << 20, 100 << 10);
    assert!(download.window(0) <= INITIAL, "{}", download.window(0));
    assert!(download.connection <= 1 << 20, "{}", download.connection);
}

#[test]
fn windows_whose_most_is_what_they_are_do_not_grow() {
    let config = Config { max_stream_window: 0, max_connection_window: 0, ..Config::new(Role::Client) };
    let mut download = Download::of(config, 1);
    download.passes(0, 100 << 20, 100 << 20);
    assert!(download.window(0) <= INITIAL);
    assert!(download.connection <= 1 << 20);
}

#[test]
fn a_window_does_not_grow_while_what_came_lies_unreleased() {
    let mut download = Download::new();
    download.comes(0, 20_000);
    for _ in 0..1_000 {
        download.comes(0, 20_000);
        download.release(0, 20_000);
        assert!(download.window(0) + download.buffered(0) <= INITIAL);
    }
}

/// What the peer was lent already it may send; nothing is lent again to a consumer that has become slow.
#[test]
fn a_consumer_that_slows_down_has_no_more_than_the_initial_window_buffered() {
    let mut download = Download::new();
    download.passes(0, 100 << 20, 100 << 20);
    let lent = download.window(0);
    assert_eq!(download.comes(0, i64::MAX), lent, "once");

    while download.buffered(0) > INITIAL {
        download.release(0, 10_000);
        download.comes(0, i64::MAX);
    }
    for _ in 0..1_000 {
        download.release(0, 10_000);
        download.comes(0, i64::MAX);
        assert!(download.buffered(0) <= INITIAL, "{}", download.buffered(0));
    }
    assert!(download.buffered(0) > INITIAL / 2, "and no less");
}

#[test]
fn all_streams_together_are_lent_no_more_than_the_connections_largest_window() {
    let mut download = Download::of(Config::new(Role::Client), 100);
    for _ in 0..20 {
        (0..100).for_each(|at| download.passes(at, 256 << 10, 500 << 20));
    }
    let all: i64 = download.windows.values().sum();
    assert!(all <= 100 * INITIAL + OF_ALL, "{all}");
    assert!(all > OF_ALL / 2, "{all}");
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Comes(usize, i64),
    Release(usize, i64),
    Passes(usize, i64),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let bytes = || prop_oneof![1i64..200, 1_000i64..100_000, Just(i64::MAX)];
    prop_oneof![
        4 => (0usize..3, bytes()).prop_map(|(at, bytes)| Step::Comes(at, bytes)),
        4 => (0usize..3, bytes()).prop_map(|(at, bytes)| Step::Release(at, bytes)),
        3 => (0usize..3, 1i64..2_000_000).prop_map(|(at, bytes)| Step::Passes(at, bytes)),
        1 => (0u64..400).prop_map(Step::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn no_schedule_lends_too_much_or_lets_the_peer_starve(steps in prop::collection::vec(step(), 1..80)) {
        let mut download = Download::of(Config::new(Role::Client), 3);
        for step in steps {
            match step {
                Step::Comes(at, bytes) => {
                    download.comes(at, bytes);
                }
                Step::Release(at, bytes) => download.release(at, bytes),
                Step::Passes(at, bytes) => {
                    download.release(at, i64::MAX);
                    download.passes(at, bytes, 100 << 20);
                }
                Step::Wait(ms) => download.end.now += Duration::from_millis(ms),
            }
            prop_assert_eq!(download.end.failed, None);
            prop_assert!((3 << 18..=OF_ALL).contains(&download.connection), "{}", download.connection);
            for at in 0..3 {
                let (window, buffered) = (download.window(at), download.buffered(at));
                prop_assert!(window + buffered <= MOST, "{} and {}", window, buffered);
                prop_assert!(window + buffered > INITIAL * 3 / 4, "{} and {}: the peer waits for good", window, buffered);
            }
        }
    }
}

/// A message of a quarter of the window and its trailers usually come in one read.
#[test]
fn a_stream_that_ends_in_the_read_that_it_came_in_is_given_nothing() {
    for cut in [0, 9] {
        let mut download = Download::new();
        let stream = download.streams[0];
        let trailers = frame(1, 5, stream.get(), b"");
        let (with, later) = trailers.split_at(trailers.len() - cut);
        let bytes = [&frame(0, 0, stream.get(), &[0; 16_384])[..], with].concat();
        let (mut input, mut fields) = (&bytes[..], tulle_http2::Fields::new());
        while let Ok(Some(event)) = download.end.connection.receive(download.end.now, &mut input, &mut fields) {
            if let tulle_http2::Event::Data { payload, .. } = event {
                download.end.connection.release(stream, payload.len() as u32);
            }
        }
        download.end.feed(later);
        let updates = download.end.take_frames().iter().filter(|frame| frame.kind == 8).count();
        assert_eq!(updates, usize::from(cut > 0), "{cut} bytes of the end came later");
    }
}
