//! A worker's thread: readiness in, system calls out, the [`Worker`] in between.

use super::heap;
use super::lingering::{Lingering, TICK};
use super::shared::{Command, Descriptors, Published, WorkerHandle};
use super::socket::{Socket, State, Written};
use crate::identity::Identity;
use crate::worker::{Action, ConnectionKey, Worker};
use mio::{Events, Poll, Token};
use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

/// The token of the waker; connections have their own small numbers.
pub(crate) const WAKER: Token = Token(usize::MAX);
/// Read at most this much of a connection a turn, for fairness; with less, what is written falls into more pieces
/// (docs/decisions/009).
const PAGE: usize = 128 * 1024;
const EVENTS: usize = 1024;
/// Full lists of readiness that are taken in one turn.
const MOST_LISTS: usize = 64;
/// Panics of one part of a turn after which the rest of it waits for the next turn.
const MOST_PANICS: usize = 100;

/// One thread's loop.
pub(crate) struct Loop {
    pub(super) poll: Poll,
    pub(super) worker: Worker,
    pub(super) handle: Arc<WorkerHandle>,
    published: Arc<Published>,
    generation: u64,
    pub(super) identity: Arc<Identity>,
    pub(super) descriptors: Arc<Descriptors>,
    pub(super) sockets: Vec<Option<Socket>>,
    commands: VecDeque<Command>,
    /// A part of the last turn did not come to its end: the next one follows at once.
    unfinished: bool,
    /// Connections with more to read, taken in turn.
    pub(super) ready: Vec<u32>,
    pub(super) page: Box<[u8]>,
    pub(super) plain: Box<[u8]>,
    drains: Vec<Sender<()>>,
    /// A stop has begun.
    pub(super) draining: bool,
    pub(super) lingering: Vec<Lingering>,
    running: bool,
}

impl Loop {
    pub(crate) fn new(
        poll: Poll,
        worker: Worker,
        handle: Arc<WorkerHandle>,
        published: Arc<Published>,
        identity: Arc<Identity>,
        descriptors: Arc<Descriptors>,
    ) -> Self {
        Self {
            poll,
            worker,
            handle,
            published,
            generation: 0,
            identity,
            descriptors,
            sockets: Vec::new(),
            commands: VecDeque::new(),
            unfinished: false,
            ready: Vec::new(),
            page: vec![0; PAGE].into_boxed_slice(),
            plain: vec![0; PAGE].into_boxed_slice(),
            drains: Vec::new(),
            draining: false,
            lingering: Vec::new(),
            running: true,
        }
    }

    /// Runs until it is told to stop.
    pub(crate) fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS);
        while self.running {
            let at_once = self.unfinished || !self.ready.is_empty();
            let timeout = if at_once { Some(Duration::ZERO) } else { self.time_to_wait() };
            if !self.wait(&mut events, timeout) {
                return;
            }
            let handle = self.handle.clone();
            let mut telemetry = handle.telemetry();
            std::mem::swap(&mut *telemetry, &mut self.worker.telemetry);
            self.contained(|own| own.turn(&mut events, Instant::now()));
            std::mem::swap(&mut *telemetry, &mut self.worker.telemetry);
        }
    }

    /// Waits for readiness; false where the system can tell none any more.
    fn wait(&mut self, events: &mut Events, timeout: Option<Duration>) -> bool {
        match self.poll.poll(events, timeout) {
            Ok(()) => true,
            Err(error) => error.kind() == io::ErrorKind::Interrupted,
        }
    }

    fn time_to_wait(&self) -> Option<Duration> {
        let next = self.worker.time_to_next_timer(Instant::now());
        if self.lingering.is_empty() {
            return next;
        }
        Some(next.map_or(TICK, |next| next.min(TICK)))
    }

    /// Each part takes its work out of a queue before it does it, so that one that was cut short goes on behind what
    /// cut it. All that came is read before what is due by the clock fires.
    fn turn(&mut self, events: &mut Events, now: Instant) {
        self.unfinished = false;
        self.worker.turn(now);
        self.contained(Self::look_at_configuration);
        self.note_all(events);
        self.insist(Self::take_commands);
        self.read_ready();
        self.insist(Self::settle);
        self.look_at_lingering(now);
        self.contained(Self::report_drained);
        if self.worker.take_freed() {
            heap::give_back();
        }
    }

    /// Does a part of a turn until it comes to its end. What always panics must not keep the others from their turn.
    fn insist(&mut self, part: impl Fn(&mut Self)) {
        let done = (0..MOST_PANICS).any(|_| self.contained(&part));
        self.unfinished |= !done;
    }

    /// Does a part of a turn; false where it panicked, which costs the connection at hand and never the thread.
    pub(super) fn contained(&mut self, part: impl FnOnce(&mut Self)) -> bool {
        self.worker.at_hand = None;
        if catch_unwind(AssertUnwindSafe(|| part(self))).is_ok() {
            self.worker.at_hand = None;
            return true;
        }
        // It may have been out on loan.
        if self.page.is_empty() {
            self.page = vec![0; PAGE].into_boxed_slice();
        }
        let at_hand = self.worker.at_hand;
        if catch_unwind(AssertUnwindSafe(|| self.worker.panicked(at_hand))).is_err()
            && let Some(key) = at_hand
        {
            // Not even its calls can be told of it: its peer is, and its place stays taken.
            self.close_socket(key);
        }
        false
    }

    fn look_at_configuration(&mut self) {
        let generation = self.published.generation();
        if generation != self.generation {
            self.generation = generation;
            if let Some(snapshot) = self.published.snapshot() {
                self.worker.apply(snapshot);
            }
        }
    }

    /// After a standstill more may be ready than fits into one list: all of it is known before anybody is judged.
    fn note_all(&mut self, events: &mut Events) {
        for _ in 0..MOST_LISTS {
            let noted = self.note_events(events);
            if noted < events.capacity() || !self.wait(events, Some(Duration::ZERO)) {
                return;
            }
        }
    }

    fn note_events(&mut self, events: &Events) -> usize {
        let mut noted = 0;
        for event in events {
            noted += 1;
            match event.token() {
                WAKER => self.commands.extend(self.handle.take_commands()),
                Token(key) => {
                    self.contained(|own| own.note_readiness(key, event));
                }
            }
        }
        noted
    }

    fn note_readiness(&mut self, key: usize, event: &mio::event::Event) {
        self.worker.at_hand = Some(ConnectionKey(key as u32));
        let Some(Some(socket)) = self.sockets.get_mut(key) else { return };
        socket.read_closed |= event.is_read_closed() || event.is_error();
        let key = key as u32;
        if event.is_readable() || socket.read_closed {
            socket.readable = true;
            if socket.paused {
                self.worker.heard(ConnectionKey(key));
            } else if !socket.listed {
                socket.listed = true;
                self.ready.push(key);
            }
        }
        if event.is_writable() || event.is_error() {
            socket.writable = true;
            match socket.state {
                State::Connecting => self.check_connected(key),
                State::Handshaking => self.pump_handshake(key),
                State::Open => self.worker.writable(ConnectionKey(key)),
            }
        }
    }

    fn take_commands(&mut self) {
        while let Some(command) = self.commands.pop_front() {
            match command {
                Command::Accepted { stream, listener } => self.accept(stream, listener),
                Command::Drain { scope, done } => {
                    self.draining = true;
                    self.worker.drain(scope);
                    self.drains.extend(done);
                }
                Command::Stop => {
                    self.worker.abandon();
                    self.running = false;
                }
            }
        }
    }

    fn look_at_lingering(&mut self, now: Instant) {
        let (page, descriptors) = (&mut self.page, &self.descriptors);
        self.lingering.retain_mut(|one| {
            let stays = one.look(now, page);
            if !stays {
                descriptors.give_back();
            }
            stays
        });
    }

    fn report_drained(&mut self) {
        if !self.drains.is_empty() && self.lingering.is_empty() && self.worker.is_drained() {
            for done in self.drains.drain(..) {
                // The engine may have stopped waiting: its grace is its own.
                let _ = done.send(());
            }
        }
    }

    /// Until nothing changes any more: retries start, queues are served, changed connections written, sockets made and
    /// closed.
    fn settle(&mut self) {
        loop {
            self.worker.settle();
            while let Some(key) = self.worker.next_dirty() {
                self.write(key);
            }
            let mut acted = false;
            while let Some(action) = self.worker.next_action() {
                acted = true;
                self.worker.at_hand = Some(action.key());
                match action {
                    Action::Connect { key, address, identity } => self.connect(key, address, identity.as_ref()),
                    Action::Close { key } => self.close_socket(key),
                }
            }
            if !acted && self.worker.is_settled() {
                return;
            }
        }
    }

    fn write(&mut self, key: ConnectionKey) {
        self.worker.at_hand = Some(key);
        self.write_output(key);
        self.resume_reading(key.0);
    }

    fn write_output(&mut self, key: ConnectionKey) {
        let Some(Some(socket)) = self.sockets.get_mut(key.0 as usize) else { return };
        if !socket.writable || socket.state != State::Open {
            return;
        }
        loop {
            let output = self.worker.output(key);
            let written = if output.is_empty() { Written::Some(0) } else { socket.write(output) };
            if let Written::Some(length @ 1..) = written {
                self.worker.wrote(key, length);
                if socket.tls.is_none() {
                    continue;
                }
            }
            match (written, socket.flush_tls()) {
                (Written::Broken, _) | (_, Written::Broken) => return self.write_broke(key.0),
                // A full TLS buffer that has just been emptied into the socket takes more.
                _ if !socket.writable => return,
                (Written::Some(0), _) => return self.worker.flushed(key),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
#[path = "loop_tests.rs"]
mod tests;
