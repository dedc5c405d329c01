//! A sidecar: the worker that production runs, its sockets in the simulated network, its policy from the control stream.
//!
//! A turn goes as `io/poll` has it: time, what was accepted, made, closed and received, then `settle`, then each changed
//! connection is written, then sockets are made and closed, until nothing changes any more.

use crate::addresses::{app_address, place};
use crate::fault::Side;
use crate::net::Net;
use crate::passage::{Actor, Conn, News};
use crate::policy::{AUTHORITY, ECHO, FRONT, OTHER};
use crate::scenario::Entry;
use crate::tamper::Mutation;
use crate::time::Time;
use crate::watch::{Mark, Watch};
use crate::world::World;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use tulle_mesh::snapshot::Snapshot;
use tulle_mesh::spiffe::SpiffeId;
use tulle_mesh::wire::{self, InvalidSnapshot};
use tulle_proxy::worker::{Action, ConnectFault, ConnectionKey, Listener, Scope, TlsFault, Worker};
use tulle_proxy::{Settings, proto};

/// Read at most this much of a connection a turn, for fairness.
const PAGE: usize = 64 * 1024;
/// Most that may wait in one connection's output (design: semantics, "Backpressure and overload"): a mebibyte, and what
/// one page of input can still call forth.
const MOST_OUTPUT: usize = (1 << 20) + (128 << 10);

/// One of its connections.
struct Socket {
    conn: Conn,
    side: Side,
    watch: Watch,
    established: bool,
    /// Whether the peer will not be believed to be who it is.
    doubted: bool,
}

pub(crate) struct Sidecar {
    pub(crate) index: usize,
    pub(crate) worker: Worker,
    sockets: BTreeMap<u32, Socket>,
    keys: BTreeMap<Conn, u32>,
    news: VecDeque<(Conn, News)>,
    /// It has something to do besides its timers.
    pub(crate) is_ready: bool,
    /// The policy in force, and those before it.
    pub(crate) snapshot: Option<Arc<Snapshot>>,
    pub(crate) snapshots: Vec<Arc<Snapshot>>,
    /// The revision in force, 0 before the first.
    pub(crate) revision: u64,
    /// Its bytes, as they lie on the disk.
    kept: Option<(u64, Vec<u8>)>,
    pub(crate) is_draining: bool,
    pub(crate) has_stopped: bool,
    /// It has stopped without a word, and comes back.
    pub(crate) has_crashed: bool,
    starts: u64,
    /// PINGs that it sent.
    pub(crate) pings: u64,
}

// === impl Sidecar ===

impl Sidecar {
    pub(crate) fn new(index: usize, world: &World<'_>) -> Self {
        Self {
            index,
            worker: worker(world, index, 0),
            sockets: BTreeMap::new(),
            keys: BTreeMap::new(),
            news: VecDeque::new(),
            is_ready: false,
            snapshot: None,
            snapshots: Vec::new(),
            revision: 0,
            kept: None,
            is_draining: false,
            has_stopped: false,
            has_crashed: false,
            starts: 1,
            pings: 0,
        }
    }

    pub(crate) fn hear(&mut self, conn: Conn, news: News) {
        self.is_ready = true;
        self.news.push_back((conn, news));
    }

    pub(crate) fn next_time(&self, world: &World<'_>) -> Option<Time> {
        if self.has_stopped {
            return None;
        }
        let behind = world.tamper.clock_behind(self.index);
        self.worker.next_timer().map(|at| world.time_of(at) + behind)
    }

    /// Puts the bytes of a snapshot in force, or says what is wrong with them.
    pub(crate) fn apply(&mut self, world: &World<'_>, revision: u64, bytes: &[u8]) -> Result<(), InvalidSnapshot> {
        let decoded = match wire::decode(bytes, self.snapshot.as_deref()) {
            Err(_) if world.tamper.mutation == Mutation::TakesBadSnapshot => return Ok(()),
            decoded => Arc::new(decoded?),
        };
        let is_first = self.snapshot.is_none();
        self.snapshot = Some(decoded.clone());
        self.snapshots.push(decoded.clone());
        self.revision = revision;
        self.kept = Some((revision, bytes.to_vec()));
        if is_first || world.tamper.mutation != Mutation::KeepsOldSnapshot {
            self.worker.apply(decoded);
        }
        self.is_ready = true;
        Ok(())
    }

    /// The process is gone, and its connections with it.
    pub(crate) fn crash(&mut self, world: &mut World<'_>) {
        if self.has_stopped {
            return;
        }
        let me = Actor::Sidecar(self.index);
        world.net.listening.remove(&me);
        for conn in world.net.held_by(me) {
            world.judge.connection_over(conn);
            world.cut(conn);
        }
        self.pings += self.sockets.values().map(|socket| socket.watch.pings).sum::<u64>();
        (self.has_stopped, self.has_crashed) = (true, !self.is_draining);
        self.sockets.clear();
        self.keys.clear();
        self.news.clear();
        // Nothing of the process is left, also where no other takes its place.
        self.worker = worker(world, self.index, self.starts);
        (self.snapshot, self.revision) = (None, 0);
        self.snapshots.clear();
        world.judge.in_force.takes(self.index, world.now, 0);
    }

    /// Another process takes its place.
    pub(crate) fn start(&mut self, world: &mut World<'_>, cached: bool) {
        self.worker = worker(world, self.index, self.starts);
        self.starts += 1;
        (self.has_stopped, self.has_crashed) = (false, false);
        world.net.listening.insert(Actor::Sidecar(self.index));
        if let Some((revision, bytes)) = self.kept.take().filter(|_| cached) {
            self.apply(world, revision, &bytes).expect("it was good before");
            world.judge.in_force.takes(self.index, world.now, revision);
        }
    }

    pub(crate) fn drain(&mut self, world: &mut World<'_>) {
        self.is_draining = true;
        self.is_ready = true;
        world.net.listening.remove(&Actor::Sidecar(self.index));
        self.worker.drain(Scope::All);
    }

    /// The grace is over, or there is nothing left to wait for.
    pub(crate) fn stop(&mut self, world: &mut World<'_>) {
        if self.has_stopped || !self.is_draining {
            return;
        }
        world.note("stop", &[self.index as u64], || format!("sidecar {} stops", self.index));
        self.worker.abandon();
        self.settle(world);
        self.has_stopped = true;
        for socket in self.sockets.values() {
            world.close(socket.conn, socket.side);
        }
        self.sockets.clear();
    }

    pub(crate) fn turn(&mut self, world: &mut World<'_>) {
        self.is_ready = false;
        if self.has_stopped {
            return;
        }
        world.tamper.turns(self.index);
        self.worker.turn(world.instant());
        while let Some((conn, news)) = self.news.pop_front() {
            self.take(world, conn, news);
        }
        self.read_ready(world);
        self.settle(world);
        self.report(world);
        if self.is_draining && self.worker.is_drained() {
            self.stop(world);
        }
    }

    fn take(&mut self, world: &mut World<'_>, conn: Conn, news: News) {
        let key = self.keys.get(&conn).copied();
        match (news, key) {
            (News::Accepted, _) => self.accept(world, conn),
            (News::Established, Some(key)) => self.established(world, key),
            (News::Refused, Some(key)) => {
                self.worker.connect_failed(ConnectionKey(key), ConnectFault::Peer, "connection refused")
            }
            (News::Writable, Some(key)) => self.worker.writable(ConnectionKey(key)),
            (News::Closed, Some(key)) if world.tamper.mutation != Mutation::DeafToClosing => {
                self.worker.closed(ConnectionKey(key));
            }
            _ => {}
        }
    }

    fn accept(&mut self, world: &mut World<'_>, conn: Conn) {
        let (listener, tunnel) = match world.net.actor(conn, Side::Dialer) {
            Actor::Client(client) => match world.scenario.clients[client].entry {
                Entry::Plain => (Listener::Outbound, false),
                Entry::Connect => (Listener::Outbound, true),
                Entry::Port => (Listener::UpstreamPort(0), false),
            },
            _ => (Listener::Inbound, false),
        };
        let key = self.worker.accept(listener);
        let (watch, established) = (Watch::new(false, tunnel), listener != Listener::Inbound);
        self.add(key, Socket { conn, side: Side::Listener, watch, established, doubted: false });
    }

    fn established(&mut self, world: &World<'_>, key: u32) {
        let Some(socket) = self.sockets.get_mut(&key) else { return };
        if socket.doubted {
            return self.worker.tls_failed(ConnectionKey(key), TlsFault::Broken, "the server proves another identity");
        }
        socket.established = true;
        let caller = if world.tamper.mutation == Mutation::MistakesCallers { OTHER } else { FRONT };
        let peer = (socket.side == Side::Listener).then(|| SpiffeId::parse(caller).expect("an id"));
        self.worker.established(ConnectionKey(key), peer);
    }

    fn add(&mut self, key: ConnectionKey, socket: Socket) {
        self.keys.insert(socket.conn, key.0);
        let old = self.sockets.insert(key.0, socket);
        assert!(old.is_none(), "{key:?} was given out again before its socket was closed");
    }

    fn read_ready(&mut self, world: &mut World<'_>) {
        for key in self.sockets.keys().copied().collect::<Vec<_>>() {
            let mut taken = 0;
            while taken < PAGE {
                let Some(bytes) = self.next_input(world, key) else { break };
                taken += bytes.len();
                self.worker.received(ConnectionKey(key), &bytes);
            }
            // More of it is for the next turn, as other connections' is.
            let Some(socket) = self.sockets.get(&key) else { continue };
            self.is_ready |=
                self.worker.wants_input(ConnectionKey(key)) && world.net.has_arrived(socket.conn, socket.side);
        }
    }

    fn next_input(&mut self, world: &mut World<'_>, key: u32) -> Option<Vec<u8>> {
        let socket = self.sockets.get_mut(&key)?;
        if !socket.established || !self.worker.wants_input(ConnectionKey(key)) {
            return None;
        }
        let bytes = world.read(socket.conn, socket.side)?;
        socket.watch.read(world.now, &bytes);
        let from = world.net.actor(socket.conn, socket.side.other());
        Some(world.tamper.heard(self.index, from, &bytes).unwrap_or(bytes))
    }

    fn settle(&mut self, world: &mut World<'_>) {
        loop {
            self.worker.settle();
            while let Some(key) = self.worker.next_dirty() {
                self.write(world, key);
            }
            let mut acted = false;
            while let Some(action) = self.worker.next_action() {
                acted = true;
                self.act(world, action);
            }
            if !acted && self.worker.is_settled() {
                return;
            }
        }
    }

    fn write(&mut self, world: &mut World<'_>, key: ConnectionKey) {
        let Some(socket) = self.sockets.get_mut(&key.0).filter(|socket| socket.established) else { return };
        loop {
            let output = self.worker.output(key);
            if output.len() > MOST_OUTPUT {
                let words = format!("sidecar {}: {} bytes wait for one connection", self.index, output.len());
                world.judge.violated("buffers", words);
            }
            if output.is_empty() {
                return self.worker.flushed(key);
            }
            if !world.net.is_writable(socket.conn, socket.side) {
                return;
            }
            let to = world.net.actor(socket.conn, socket.side.other());
            let room = world.net.room(socket.conn, socket.side).min(output.len());
            let said = world.tamper.written(to, &output[..room]);
            world.net.write(world.now, &mut world.agenda, socket.conn, socket.side, &said);
            socket.watch.wrote(world.now, &said);
            self.worker.wrote(key, room);
        }
    }

    fn act(&mut self, world: &mut World<'_>, action: Action) {
        match action {
            Action::Connect { key, address, identity } => {
                let (to, link) = place(address, self.index);
                let proves = matches!(to, Actor::Sidecar(_));
                assert_eq!(identity.is_some(), proves, "{address} is asked for another proof than it has");
                let from = Actor::Sidecar(self.index);
                let conn = world.net.dial(world.now, &mut world.agenda, from, to, link);
                let watch = Watch::new(true, false);
                let doubted = identity.is_some_and(|identity| identity.as_str() != ECHO)
                    && world.tamper.mutation != Mutation::BelievesServers;
                self.add(key, Socket { conn, side: Side::Dialer, watch, established: false, doubted });
            }
            Action::Close { key } => {
                let Some(socket) = self.sockets.remove(&key.0) else { return };
                self.pings += socket.watch.pings;
                self.keys.remove(&socket.conn);
                self.judge(world, &socket);
                world.judge.connection_over(socket.conn);
                world.close(socket.conn, socket.side);
            }
        }
    }

    /// Tells what the models have seen.
    fn report(&mut self, world: &mut World<'_>) {
        for socket in self.sockets.values_mut() {
            if let Some(fault) = socket.watch.fault.take() {
                let link = world.net.link(socket.conn);
                world.judge.violated("wire", format!("sidecar {} on {link:?}: {fault}", self.index));
            }
            let marks = std::mem::take(&mut socket.watch.marks);
            if !matches!(world.net.actor(socket.conn, Side::Dialer), Actor::Client(_)) {
                continue;
            }
            let last = socket.watch.last_taken;
            for mark in marks {
                match mark {
                    Mark::Asked(stream) if stream > last => {}
                    Mark::Asked(stream) => world.judge.arrived(socket.conn, stream, world.now, self.revision),
                    Mark::Answered(stream) => world.judge.answered(socket.conn, stream, world.now),
                    Mark::GivenUp(stream) => world.judge.given_up(socket.conn, stream),
                }
            }
        }
    }

    fn judge(&self, world: &mut World<'_>, socket: &Socket) {
        if let Some(fault) = &socket.watch.fault {
            world.judge.violated("wire", format!("sidecar {}: {fault}", self.index));
        }
    }

    /// Connections that take no byte of what is written to them.
    pub(crate) fn blocked(&self, net: &Net) -> Vec<Conn> {
        let blocked = |socket: &&Socket| !net.is_writable(socket.conn, socket.side);
        self.sockets.values().filter(blocked).map(|socket| socket.conn).collect()
    }
}

/// A worker as `starts` others were before it.
fn worker(world: &World<'_>, index: usize, starts: u64) -> Worker {
    let settings = Arc::new(Settings::try_from(config(index)).expect("a good config"));
    let seed = world.scenario.seed.wrapping_mul(31).wrapping_add(index as u64 + starts * 1_000);
    Worker::new(settings, world.instant(), 1_000_000_000, seed ^ world.tamper.noise())
}

fn config(index: usize) -> proto::EngineConfig {
    let common = proto::EngineConfig { workers: 1, trace_ratio: 0.2, ..Default::default() };
    match index {
        0 => proto::EngineConfig {
            service: "shop/front".into(),
            instance: "front-1".into(),
            outbound_listen: "127.0.0.1:0".into(),
            upstream_ports: vec![proto::UpstreamPort { listen: "127.0.0.1:0".into(), authority: AUTHORITY.into() }],
            ..common
        },
        _ => proto::EngineConfig {
            service: "shop/echo".into(),
            instance: format!("echo-{}", index - 1),
            inbound_listen: "127.0.0.1:0".into(),
            application: app_address(index - 1).to_string(),
            identity_dir: "unused".into(),
            ..common
        },
    }
}
