//! A sidecar: the worker that production runs, its sockets in the simulated network, its policy from the control stream.
//! `turn` drives the worker as `io/poll` does.

mod account;
mod process;
mod turn;

use crate::fault::Side;
use crate::passage::{Actor, Conn, News};
use crate::tamper::Mutation;
use crate::time::Time;
use crate::watch::Watch;
use crate::world::World;
use process::worker;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tulle_mesh::snapshot::Snapshot;
use tulle_mesh::wire::{self, InvalidSnapshot};
use tulle_proxy::worker::{ConnectionKey, Worker};

/// One of its connections.
struct Socket {
    conn: Conn,
    side: Side,
    watch: Watch,
    established: bool,
    /// Whether it is in TLS, whose handshake is part of reading.
    secured: bool,
    /// What reading will find next: the handshake is done; the peer has let go.
    is_shaken: bool,
    is_over: bool,
    /// Whether the peer will not be believed to be who it is.
    doubted: bool,
}

/// What other threads ask of a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    Accepted(Conn),
    Drain,
    Stop,
}

pub(crate) struct Sidecar {
    pub(crate) index: usize,
    pub(crate) worker: Worker,
    sockets: BTreeMap<u32, Socket>,
    keys: BTreeMap<Conn, u32>,
    news: VecDeque<(Conn, News)>,
    commands: VecDeque<Command>,
    /// A snapshot that the next turn puts in force.
    published: Option<Arc<Snapshot>>,
    /// It has something to do besides its timers.
    is_ready: bool,
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
    /// It does nothing before.
    free_at: Time,
    /// It stands still so long once it has asked a peer for life.
    pub(crate) freezes: Option<Duration>,
    /// Connections given up for their peer's silence, and with bytes to read, when the turn began.
    buried: u64,
    unread: BTreeSet<u32>,
    /// To be closed late: a planted fault.
    late: Vec<ConnectionKey>,
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
            commands: VecDeque::new(),
            published: None,
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
            free_at: Time::START,
            freezes: None,
            buried: 0,
            unread: BTreeSet::new(),
            late: Vec::new(),
        }
    }

    pub(crate) fn hear(&mut self, conn: Conn, news: News) {
        match news {
            News::Accepted => self.command(Command::Accepted(conn)),
            news => self.news.push_back((conn, news)),
        }
        self.is_ready = true;
    }

    fn command(&mut self, command: Command) {
        self.commands.push_back(command);
        self.is_ready = true;
    }

    /// When its next turn is due.
    pub(crate) fn next_time(&self, world: &World<'_>) -> Option<Time> {
        if self.has_stopped {
            return None;
        }
        if self.is_ready {
            return Some(world.now.max(self.free_at));
        }
        let behind = world.tamper.clock_behind(self.index);
        self.worker.next_timer().map(|at| (world.time_of(at) + behind).max(self.free_at))
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
            self.published = Some(decoded);
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
        self.commands.clear();
        self.published = None;
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
        world.net.listening.remove(&Actor::Sidecar(self.index));
        self.command(Command::Drain);
    }

    /// The whole process stands still from now on.
    pub(crate) fn freeze(&mut self, world: &mut World<'_>, lasts: Duration) {
        let until = world.now + lasts;
        self.free_at = self.free_at.max(until);
        world.judge.disturbed(world.now, until);
        if self.index == 0 {
            world.judge.stands_still(world.now, until);
        }
    }

    /// The grace is over, or there is nothing left to wait for.
    pub(crate) fn stop(&mut self) {
        if self.is_draining && !self.has_stopped {
            self.command(Command::Stop);
        }
    }
}
