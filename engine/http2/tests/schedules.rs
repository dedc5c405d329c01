//! Any schedule of sending, updates, SETTINGS and flushes on several streams, against a model of every window.

mod wire;

use std::collections::BTreeMap;

use proptest::prelude::*;
use tulle_http2::{Config, Role, StreamId, Token};
use wire::{End, Frame, frame, request};

const STREAMS: usize = 4;
const HIGH_WATER: usize = 50_000;

/// One thing that the caller or the peer does.
#[derive(Clone, Copy, Debug)]
enum Step {
    Send {
        stream: usize,
        size: usize,
    },
    /// Stream 0 is the connection.
    Update {
        stream: u32,
        by: u32,
    },
    Resize(u32),
    Frames(u32),
    /// The socket takes so many of the waiting bytes, in parts of 256.
    Flush(u8),
}

struct Model {
    end: End,
    streams: Vec<StreamId>,
    connection: i64,
    initial: i64,
    /// By stream: given, less spent.
    windows: BTreeMap<u32, i64>,
    queued: BTreeMap<u32, usize>,
    max_frame: usize,
    /// Bytes of the output that the model has read.
    read: usize,
    told: BTreeMap<u32, usize>,
    empty_frames: usize,
}

fn step() -> impl Strategy<Value = Step> {
    let stream = (0..=STREAMS as u32).prop_map(|n| if n == 0 { 0 } else { 2 * n - 1 });
    prop_oneof![
        5 => (0..STREAMS, prop_oneof![1usize..50, 1_000usize..40_000])
            .prop_map(|(stream, size)| Step::Send { stream, size }),
        5 => (stream, 1u32..40_000).prop_map(|(stream, by)| Step::Update { stream, by }),
        2 => prop_oneof![Just(0u32), 1u32..2_000, 60_000u32..90_000].prop_map(Step::Resize),
        1 => (16_384u32..40_000).prop_map(Step::Frames),
        3 => any::<u8>().prop_map(Step::Flush),
    ]
}

fn setting(id: u16, value: u32) -> Vec<u8> {
    frame(4, 0, 0, &[&id.to_be_bytes()[..], &value.to_be_bytes()].concat())
}

impl Model {
    fn new() -> Self {
        let config = Config { output_high_water: HIGH_WATER, ..Config::new(Role::Client) };
        let mut end = End::greeted_client(config);
        let open = |_| end.connection.open(Token(1), &request(), false).expect("a stream");
        let streams: Vec<StreamId> = (0..STREAMS).map(open).collect();
        end.take_output();
        Self {
            end,
            streams,
            connection: 65_535,
            initial: 65_535,
            windows: BTreeMap::new(),
            queued: BTreeMap::new(),
            max_frame: 16_384,
            read: 0,
            told: BTreeMap::new(),
            empty_frames: 0,
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Send { stream, size } => {
                let id = self.streams[stream];
                let sent = self.end.connection.send_data(id, &vec![7; size], false);
                *self.queued.entry(id.get()).or_default() += size;
                // What went at once is no progress to be told.
                *self.told.entry(id.get()).or_default() += sent;
            }
            Step::Update { stream: 0, by } => {
                self.connection += i64::from(by);
                self.end.feed(&frame(8, 0, 0, &by.to_be_bytes()));
            }
            Step::Update { stream, by } => {
                *self.windows.entry(stream).or_default() += i64::from(by);
                self.end.feed(&frame(8, 0, stream, &by.to_be_bytes()));
            }
            Step::Resize(size) => {
                self.initial = size.into();
                self.end.feed(&setting(4, size));
            }
            Step::Frames(size) => {
                self.max_frame = size as usize;
                self.end.feed(&setting(5, size));
            }
            Step::Flush(part) => {
                let some = self.end.connection.output().len() * usize::from(part) / 255;
                self.end.connection.advance_output(some);
                self.read -= some;
                self.end.connection.pump();
            }
        }
        self.read_output();
        self.check();
    }

    fn window(&self, id: u32) -> i64 {
        self.initial + self.windows.get(&id).copied().unwrap_or_default()
    }

    fn read_output(&mut self) {
        let new = self.end.connection.output()[self.read..].to_vec();
        self.read += new.len();
        for frame in wire::parse(&new) {
            if frame.kind == 0 {
                self.sent(&frame);
            }
        }
    }

    fn sent(&mut self, frame: &Frame) {
        let bytes = frame.payload.len();
        self.empty_frames += usize::from(bytes == 0);
        assert!(bytes <= self.max_frame);
        assert!(bytes == 0 || bytes as i64 <= self.connection, "{bytes} over the connection's {}", self.connection);
        let window = self.window(frame.stream);
        assert!(bytes == 0 || bytes as i64 <= window, "{bytes} over the window of {window}");
        self.connection -= bytes as i64;
        *self.windows.entry(frame.stream).or_default() -= bytes as i64;
        *self.queued.entry(frame.stream).or_default() -= bytes;
    }

    fn check(&mut self) {
        assert_eq!(self.end.failed, None);
        let told = &mut self.told;
        self.end.connection.progress(|stream, _, bytes| *told.entry(stream.get()).or_default() += bytes);
        let full = self.end.connection.output().len() >= HIGH_WATER;
        for id in &self.streams {
            let queued = self.queued.get(&id.get()).copied().unwrap_or_default();
            assert_eq!(self.end.connection.queued(*id), queued);
            let may = self.window(id.get()) > 0 && self.connection > 0 && !full;
            assert!(queued == 0 || !may, "{queued} bytes wait though every window is open");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn every_schedule_agrees_with_the_model(steps in prop::collection::vec(step(), 1..80)) {
        let mut model = Model::new();
        let mut given: BTreeMap<u32, usize> = BTreeMap::new();
        for step in steps {
            if let Step::Send { stream, size } = step {
                *given.entry(model.streams[stream].get()).or_default() += size;
            }
            model.take(step);
        }
        for (id, size) in given {
            let left = model.queued[&id];
            prop_assert_eq!(model.told[&id], size - left, "what has left is told once");
        }
    }
}

#[test]
#[should_panic(expected = "over the window")]
fn a_codec_that_sends_over_a_window_is_found() {
    let mut model = Model::new();
    // The model is told of less than the codec is.
    model.end.feed(&frame(8, 0, 1, &50_000u32.to_be_bytes()));
    model.take(Step::Update { stream: 0, by: 100_000 });
    model.take(Step::Send { stream: 0, size: 40_000 });
    model.take(Step::Flush(255));
    model.take(Step::Send { stream: 0, size: 40_000 });
}

/// Waiting in turn for the connection's window while SETTINGS take the stream's own away.
#[test]
fn a_stream_that_lost_its_window_in_the_queue_writes_nothing() {
    let mut model = Model::new();
    model.take(Step::Send { stream: 0, size: 40_000 });
    model.take(Step::Flush(255));
    model.take(Step::Send { stream: 1, size: 40_000 });
    model.take(Step::Flush(255));
    model.take(Step::Resize(10));
    model.take(Step::Update { stream: 0, by: 1_000 });
    assert_eq!(model.empty_frames, 0);
}
