//! A caller, a worker and its servers in one line, in memory. Only the worker's part goes through `counted`, which whoever
//! includes this file brings along: the heap's requests are counted in it, or instructions.

use crate::counting::counted;
use crate::end::{End, fields};
use crate::policy::{Policy, config};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tulle_http2::{Fields, Role};
use tulle_mesh::snapshot::Snapshot;
use tulle_mesh::spiffe::SpiffeId;
use tulle_mesh::telemetry::WorkerTelemetry;
use tulle_mesh::wire;
use tulle_proxy::worker::{Action, Listener, Worker};
use tulle_proxy::{Settings, proto};

/// What a caller says of every call.
pub(crate) const REQUEST: [(&str, &str); 7] = [
    (":method", "POST"),
    (":scheme", "http"),
    (":path", "/t.Echo/Unary"),
    (":authority", "echo.shop"),
    ("te", "trailers"),
    ("content-type", "application/grpc"),
    ("grpc-timeout", "2S"),
];

pub(crate) struct Line {
    now: Instant,
    worker: Worker,
    snapshot: Arc<Snapshot>,
    caller: End,
    servers: Vec<End>,
    request: Fields,
    body: Vec<u8>,
    finished: usize,
}

// === impl Line ===

impl Line {
    /// Before the calls of an application, with the policy that no document changes.
    pub(crate) fn new() -> Self {
        let mut policy = Policy::to(&[server_address()]);
        policy.snapshot.clusters[0].load_balancing = proto::LoadBalancing::P2cPeakEwma.into();
        Self::outbound(config(), &policy, &REQUEST)
    }

    /// Before the calls of an application.
    pub(crate) fn outbound(config: proto::EngineConfig, policy: &Policy, request: &[(&str, &str)]) -> Self {
        Self::start(config, policy, request, Listener::Outbound, None)
    }

    /// Before an application, for the calls of the sidecar that has proved to be `peer`.
    pub(crate) fn inbound(policy: &Policy, request: &[(&str, &str)], peer: &str) -> Self {
        let config = proto::EngineConfig {
            inbound_listen: "127.0.0.1:0".into(),
            application: server_address().to_string(),
            identity_dir: "unused".into(),
            ..config()
        };
        let peer = SpiffeId::parse(peer).expect("a valid SPIFFE id");
        Self::start(config, policy, request, Listener::Inbound, Some(peer))
    }

    fn start(
        config: proto::EngineConfig,
        policy: &Policy,
        request: &[(&str, &str)],
        listener: Listener,
        peer: Option<SpiffeId>,
    ) -> Self {
        let now = Instant::now();
        let settings = Arc::new(Settings::try_from(config).expect("a good config"));
        let mut worker = Worker::new(settings, now, 1, 42);
        let snapshot = Arc::new(wire::decode(&policy.bytes(), None).expect("a good snapshot"));
        worker.apply(snapshot.clone());
        let key = worker.accept(listener);
        if listener == Listener::Inbound {
            worker.established(key, peer);
        }
        let mut line = Self {
            now,
            worker,
            snapshot,
            caller: End::new(key, Role::Client),
            servers: Vec::new(),
            request: fields(request),
            body: Vec::new(),
            finished: 0,
        };
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
                self.caller.call(&self.request, &self.body);
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

    /// What the worker has counted, and the snapshot in force.
    pub(crate) fn telemetry(&mut self) -> (&mut WorkerTelemetry, &Snapshot) {
        (&mut self.worker.telemetry, &self.snapshot)
    }

    pub(crate) fn now(&self) -> Instant {
        self.now
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
            let mut ends = std::iter::once(&mut self.caller).chain(&mut self.servers);
            let Some(end) = ends.find(|end| end.key == key) else { continue };
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
                self.servers.push(End::new(key, Role::Server));
                self.worker.established(key, None);
            }
        }
        any
    }

    fn read(&mut self) -> bool {
        let mut any = false;
        for end in std::iter::once(&mut self.caller).chain(&mut self.servers) {
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

/// Where a server is said to be: nothing listens there, nothing connects to it.
pub(crate) fn server_address() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 1))
}
