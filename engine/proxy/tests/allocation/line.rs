//! A caller, a worker and a server in one line, in memory; only the worker's part is counted.

use crate::counting::counted;
use crate::policy::{Policy, config};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tulle_http2::{Config, Connection, Event, Fields, HeadersKind, Role, StreamId, Token};
use tulle_mesh::wire;
use tulle_proxy::Settings;
use tulle_proxy::worker::{Action, ConnectionKey, Listener, Worker};

pub(crate) struct Line {
    now: Instant,
    worker: Worker,
    caller: End,
    server: End,
    body: Vec<u8>,
    finished: usize,
}

/// A codec at the other end of one of the worker's connections.
struct End {
    key: ConnectionKey,
    codec: Connection,
    list: Fields,
    requests: Vec<StreamId>,
}

// === impl Line ===

impl Line {
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        let mut policy = Policy::to(&[SocketAddr::from(([127, 0, 0, 1], 1))]);
        policy.snapshot.clusters[0].load_balancing = tulle_proxy::proto::LoadBalancing::P2cPeakEwma.into();
        let settings = Arc::new(Settings::try_from(config()).expect("a good config"));
        let mut worker = Worker::new(settings, now, 1, 42);
        worker.apply(Arc::new(wire::decode(&policy.bytes(), None).expect("a good snapshot")));
        let caller = End::new(worker.accept(Listener::Outbound), Role::Client);
        // The server's place until its connection is made.
        let server = End::new(ConnectionKey(u32::MAX), Role::Server);
        let mut line = Self { now, worker, caller, server, body: Vec::new(), finished: 0 };
        line.calls(1, 1);
        line
    }

    /// `count` calls one after the other, each with a message of `bytes` there and back.
    pub(crate) fn calls(&mut self, count: usize, bytes: usize) {
        self.calls_at_once(count, 1, bytes);
    }

    /// `rounds` times `streams` calls at once.
    pub(crate) fn calls_at_once(&mut self, rounds: usize, streams: usize, bytes: usize) {
        self.body.clear();
        self.body.resize(bytes, 7);
        for _ in 0..rounds {
            let due = self.finished + streams;
            for _ in 0..streams {
                self.caller.call(&self.body);
            }
            self.run();
            assert_eq!(self.finished, due, "every call is answered");
        }
    }

    /// Time passes, timers fire.
    pub(crate) fn advance(&mut self, by: Duration) {
        self.now += by;
        self.run();
    }

    fn run(&mut self) {
        self.now += Duration::from_micros(50);
        let (now, worker) = (self.now, &mut self.worker);
        counted(|| worker.turn(now));
        loop {
            counted(|| self.worker.settle());
            let moved = self.write() | self.act() | self.read();
            if !moved && self.worker.is_settled() {
                return;
            }
        }
    }

    fn write(&mut self) -> bool {
        let mut any = false;
        while let Some(key) = counted(|| self.worker.next_dirty()) {
            let end = if key == self.caller.key { &mut self.caller } else { &mut self.server };
            loop {
                let output = self.worker.output(key);
                if output.is_empty() {
                    break;
                }
                any = true;
                let length = output.len();
                self.finished += end.receive(self.now, output, &self.body);
                counted(|| self.worker.wrote(key, length));
            }
            counted(|| self.worker.flushed(key));
        }
        any
    }

    fn act(&mut self) -> bool {
        let mut any = false;
        while let Some(action) = self.worker.next_action() {
            if let Action::Connect { key, .. } = action {
                any = true;
                self.server = End::new(key, Role::Server);
                self.worker.established(key, None);
            }
        }
        any
    }

    fn read(&mut self) -> bool {
        let mut any = false;
        for end in [&mut self.caller, &mut self.server] {
            let length = end.codec.output().len();
            if length > 0 {
                any = true;
                let (worker, key, output) = (&mut self.worker, end.key, end.codec.output());
                counted(|| worker.received(key, output));
                end.codec.advance_output(length);
                end.codec.pump();
            }
        }
        any
    }
}

// === impl End ===

impl End {
    fn new(key: ConnectionKey, role: Role) -> Self {
        Self { key, codec: Connection::new(Config::new(role)), list: Fields::new(), requests: Vec::new() }
    }

    fn call(&mut self, body: &[u8]) {
        let head = fields(&[
            (":method", "POST"),
            (":scheme", "http"),
            (":path", "/t.Echo/Unary"),
            (":authority", "echo.shop"),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            ("grpc-timeout", "2S"),
        ]);
        let stream = self.codec.open(Token(0), &head, false).expect("a stream");
        self.codec.send_data(stream, body, true);
    }

    /// Takes bytes; a server answers what has ended. Gives how many calls are over for a caller.
    fn receive(&mut self, now: Instant, mut input: &[u8], body: &[u8]) -> usize {
        let mut finished = 0;
        while let Some(event) = self.codec.receive(now, &mut input, &mut self.list).expect("the worker keeps the rules")
        {
            match event {
                Event::Headers { kind: HeadersKind::Trailers, .. } => {
                    assert_eq!(self.list.get(b"grpc-status"), Some(&b"0"[..]));
                    finished += 1;
                }
                Event::Data { stream, flow, end_stream, .. } => {
                    self.codec.release(stream, flow);
                    if end_stream {
                        self.requests.push(stream);
                    }
                }
                _ => {}
            }
        }
        while let Some(stream) = self.requests.pop() {
            self.answer(stream, body);
        }
        finished
    }

    fn answer(&mut self, stream: StreamId, body: &[u8]) {
        let head = fields(&[(":status", "200"), ("content-type", "application/grpc")]);
        self.codec.send_headers(stream, &head, false);
        self.codec.send_data(stream, body, false);
        self.codec.send_headers(stream, &fields(&[("grpc-status", "0")]), true);
    }
}

fn fields(list: &[(&str, &str)]) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in list {
        fields.push(name.as_bytes(), value.as_bytes());
    }
    fields
}
