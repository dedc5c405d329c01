//! Both windows on both hops, both ways, against a model: four numbers a stream and two a connection.

use crate::peer::{CONNECTION_WINDOW, HEADERS, PREFACE, Peer, STREAM_WINDOW};
use crate::policy::{Policy, config};
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Instant;
use tulle_mesh::wire;
use tulle_proxy::Settings;
use tulle_proxy::worker::{Action, ConnectionKey, Listener, Worker};

const STREAMS: u32 = 3;
/// What a stream's window may grow to.
const MOST_STREAM_WINDOW: i64 = 4 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Caller,
    Server,
}

/// One thing that a peer does.
#[derive(Clone, Debug)]
enum Step {
    Send {
        stream: u32,
        size: usize,
        padding: u8,
    },
    /// Stream 0 is the connection.
    Update {
        stream: u32,
        by: u32,
    },
    Resize {
        size: u32,
    },
    Frames {
        size: u32,
    },
}

struct Run {
    now: Instant,
    worker: Worker,
    caller: (ConnectionKey, Peer),
    server: Option<(ConnectionKey, Peer)>,
}

fn step() -> impl Strategy<Value = (Side, Step)> {
    let side = prop_oneof![Just(Side::Caller), Just(Side::Server)];
    let stream = (0..STREAMS).prop_map(|n| 2 * n + 1);
    let with_connection = (0..=STREAMS).prop_map(|n| if n == 0 { 0 } else { 2 * n - 1 });
    let size = prop_oneof![1usize..40, 1_000usize..20_000, Just(16_384usize)];
    let step = prop_oneof![
        8 => (stream, size, prop_oneof![3 => Just(0u8), 1 => any::<u8>()])
            .prop_map(|(stream, size, padding)| Step::Send { stream, size, padding }),
        5 => (with_connection, 1u32..50_000).prop_map(|(stream, by)| Step::Update { stream, by }),
        1 => prop_oneof![Just(0u32), 1u32..100, 1_000u32..200_000].prop_map(|size| Step::Resize { size }),
        1 => (16_384u32..30_000).prop_map(|size| Step::Frames { size }),
    ];
    (side, step)
}

impl Run {
    /// Three calls that are open on both hops.
    fn new() -> Self {
        let now = Instant::now();
        let settings = Settings::try_from(config()).expect("a good config");
        let mut worker = Worker::new(Arc::new(settings), now, 1, 42);
        let policy = Policy::to(&["127.0.0.1:1".parse().expect("an address")]);
        worker.apply(Arc::new(wire::decode(&policy.bytes(), None).expect("a good snapshot")));
        let key = worker.accept(Listener::Outbound);
        let mut run = Self { now, worker, caller: (key, Peer::new(PREFACE)), server: None };
        for stream in 0..STREAMS {
            run.caller.1.frame(HEADERS, 4, 2 * stream + 1, &request());
        }
        run.settle();
        for stream in 0..STREAMS {
            // `:status 200` out of the static table.
            run.peer(Side::Server).frame(HEADERS, 4, 2 * stream + 1, &[0x88]);
        }
        run.settle();
        run
    }

    fn peer(&mut self, side: Side) -> &mut Peer {
        match side {
            Side::Caller => &mut self.caller.1,
            Side::Server => &mut self.server.as_mut().expect("a connection was made").1,
        }
    }

    fn take(&mut self, side: Side, step: &Step) {
        let peer = self.peer(side);
        match *step {
            Step::Send { stream, size, padding } => peer.send(stream, size, padding),
            Step::Update { stream, by } => peer.update(stream, by),
            Step::Resize { size } => peer.resize(size),
            Step::Frames { size } => peer.resize_frames(size),
        }
        self.settle();
    }

    /// Until nothing moves any more.
    fn settle(&mut self) {
        loop {
            self.worker.turn(self.now);
            let mut moved = receive(&mut self.worker, &mut self.caller);
            moved |= self.server.as_mut().is_some_and(|server| receive(&mut self.worker, server));
            self.worker.settle();
            while let Some(key) = self.worker.next_dirty() {
                moved |= self.write(key);
            }
            while let Some(action) = self.worker.next_action() {
                let Action::Connect { key, .. } = action else { panic!("{action:?}") };
                self.server = Some((key, Peer::new(b"")));
                self.worker.established(key, None);
                moved = true;
            }
            if !moved && self.worker.is_settled() {
                return;
            }
        }
    }

    fn write(&mut self, key: ConnectionKey) -> bool {
        let peer = match &mut self.server {
            Some((server, peer)) if *server == key => peer,
            _ => &mut self.caller.1,
        };
        let mut bytes = Vec::new();
        while !self.worker.output(key).is_empty() {
            bytes.extend_from_slice(self.worker.output(key));
            let length = self.worker.output(key).len();
            self.worker.wrote(key, length);
        }
        self.worker.flushed(key);
        peer.receive(&bytes);
        !bytes.is_empty()
    }

    /// What must hold at rest, for what flows from one side to the other.
    fn check(&mut self, from: Side, to: Side) {
        let connection = self.peer(from).has.connection;
        assert!(connection >= CONNECTION_WINDOW / 2, "the connection's window is given back on receipt: {connection}");
        for stream in (0..STREAMS).map(|n| 2 * n + 1) {
            let sent = self.peer(from).sent.get(&stream).copied().unwrap_or_default();
            let left = self.peer(from).has.stream(stream);
            let came = self.peer(to).came.get(&stream).copied().unwrap_or_default();
            let held = (sent - came) as i64;
            assert!(held == 0 || !self.peer(to).gives.is_open(stream), "{held} bytes of {stream} wait at open windows");
            // What has left is given back once it is a quarter of a window; what is held is not, and that is the
            // backpressure. A window that is used up fast has grown.
            assert!(left + held <= MOST_STREAM_WINDOW, "stream {stream} may send {left}, {held} bytes are held");
            assert!(
                left + held > STREAM_WINDOW * 3 / 4,
                "stream {stream} may send {left}, {held} bytes are held: a leak"
            );
        }
    }
}

fn receive(worker: &mut Worker, (key, peer): &mut (ConnectionKey, Peer)) -> bool {
    let bytes = peer.take_output();
    if !bytes.is_empty() {
        worker.received(*key, &bytes);
    }
    !bytes.is_empty()
}

/// POST, http, and two literals that enter no table.
fn request() -> Vec<u8> {
    let mut block = vec![0x83, 0x86];
    for (name, value) in [(4u8, "/t.Echo/Stream"), (1, "echo.shop")] {
        block.extend([name, value.len() as u8]);
        block.extend(value.as_bytes());
    }
    block
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn every_schedule_agrees_with_the_model(steps in prop::collection::vec(step(), 1..80)) {
        let mut run = Run::new();
        for (side, step) in &steps {
            run.take(*side, step);
            run.check(Side::Caller, Side::Server);
            run.check(Side::Server, Side::Caller);
        }
    }
}

#[test]
fn a_window_below_zero_holds_everything_until_it_is_above() {
    let mut run = Run::new();
    run.take(Side::Caller, &Step::Send { stream: 1, size: 1_000, padding: 9 });
    run.take(Side::Server, &Step::Resize { size: 400 });
    run.take(Side::Caller, &Step::Send { stream: 1, size: 50, padding: 0 });
    let came = |run: &mut Run| run.peer(Side::Server).came[&1];
    assert_eq!((came(&mut run), run.peer(Side::Server).gives.stream(1)), (1_000, -600));
    run.take(Side::Server, &Step::Update { stream: 1, by: 600 });
    assert_eq!(came(&mut run), 1_000);
    run.take(Side::Server, &Step::Update { stream: 1, by: 7 });
    assert_eq!(came(&mut run), 1_007);
    run.check(Side::Caller, Side::Server);
}

#[test]
#[should_panic(expected = "wait at open windows")]
fn a_worker_that_holds_back_what_may_go_is_found() {
    let mut run = Run::new();
    run.take(Side::Caller, &Step::Send { stream: 1, size: 1_000, padding: 0 });
    // As if the last hundred bytes had not been written.
    *run.peer(Side::Server).came.get_mut(&1).expect("a stream") -= 100;
    run.check(Side::Caller, Side::Server);
}

#[test]
#[should_panic(expected = "the window is")]
fn a_worker_that_sends_over_a_window_is_found() {
    let mut run = Run::new();
    // The model is told of less than the worker is.
    run.peer(Side::Server).frame(8, 0, 1, &100_000u32.to_be_bytes());
    for _ in 0..8 {
        run.take(Side::Caller, &Step::Send { stream: 1, size: 16_384, padding: 0 });
        run.take(Side::Server, &Step::Update { stream: 0, by: 16_384 });
    }
}
