//! A worker's thread: readiness in, system calls out, the [`Worker`] in between.

use super::heap;
use super::shared::{Command, Descriptors, Published, WorkerHandle};
use super::socket::{Socket, State, Written};
use super::tls::{Tls, TlsError};
use crate::identity::Identity;
use crate::worker::{Action, ConnectionKey, Listener, Worker};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};
use tulle_mesh::telemetry::CounterName;

/// The token of the waker; connections have their own small numbers.
pub(crate) const WAKER: Token = Token(usize::MAX);
/// Read at most this much of a connection a turn, for fairness; with less, what is written falls into more pieces
/// (docs/decisions/009).
pub(super) const PAGE: usize = 128 * 1024;
const EVENTS: usize = 1024;
/// Panics of one part of a turn after which the rest of it waits for the next turn.
const MOST_PANICS: usize = 100;

/// One thread's loop.
pub(crate) struct Loop {
    poll: Poll,
    pub(super) worker: Worker,
    handle: Arc<WorkerHandle>,
    published: Arc<Published>,
    generation: u64,
    identity: Arc<Identity>,
    descriptors: Arc<Descriptors>,
    pub(super) sockets: Vec<Option<Socket>>,
    commands: VecDeque<Command>,
    /// A part of the last turn did not come to its end: the next one follows at once.
    unfinished: bool,
    /// Connections with more to read, taken in turn.
    pub(super) ready: Vec<u32>,
    pub(super) page: Box<[u8]>,
    pub(super) plain: Box<[u8]>,
    drains: Vec<Sender<()>>,
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
            running: true,
        }
    }

    /// Runs until it is told to stop.
    pub(crate) fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS);
        while self.running {
            let at_once = self.unfinished || !self.ready.is_empty();
            let timeout = if at_once { Some(Duration::ZERO) } else { self.time_to_wait() };
            if let Err(error) = self.poll.poll(&mut events, timeout)
                && error.kind() != io::ErrorKind::Interrupted
            {
                return;
            }
            let handle = self.handle.clone();
            let mut telemetry = handle.telemetry();
            std::mem::swap(&mut *telemetry, &mut self.worker.telemetry);
            self.contained(|own| own.turn(&events));
            std::mem::swap(&mut *telemetry, &mut self.worker.telemetry);
        }
    }

    fn time_to_wait(&self) -> Option<Duration> {
        self.worker.time_to_next_timer(Instant::now())
    }

    /// Each part takes its work out of a queue before it does it, so that one that was cut short goes on behind what
    /// cut it.
    fn turn(&mut self, events: &Events) {
        let now = Instant::now();
        self.unfinished = false;
        self.insist(|own| own.worker.turn(now));
        self.contained(Self::look_at_configuration);
        let mut woken = false;
        for event in events {
            match event.token() {
                WAKER => woken = true,
                Token(key) => {
                    self.contained(|own| own.note_readiness(key, event));
                }
            }
        }
        if woken {
            self.commands.extend(self.handle.take_commands());
        }
        self.insist(Self::take_commands);
        self.read_ready();
        self.insist(Self::settle);
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

    fn note_readiness(&mut self, key: usize, event: &mio::event::Event) {
        self.worker.at_hand = Some(ConnectionKey(key as u32));
        let Some(Some(socket)) = self.sockets.get_mut(key) else { return };
        socket.read_closed |= event.is_read_closed() || event.is_error();
        let key = key as u32;
        if event.is_readable() || socket.read_closed {
            socket.readable = true;
            if !socket.listed && !socket.paused {
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

    fn report_drained(&mut self) {
        if !self.drains.is_empty() && self.worker.is_drained() {
            for done in self.drains.drain(..) {
                // The engine may have stopped waiting: its grace is its own.
                let _ = done.send(());
            }
        }
    }

    fn accept(&mut self, stream: std::net::TcpStream, listener: Listener) {
        let tls = match listener {
            Listener::Inbound => match Tls::server(&self.identity) {
                Ok(tls) => Some(tls),
                Err(error) => return self.refuse(&error),
            },
            _ => None,
        };
        let key = self.worker.accept(listener);
        let state = if tls.is_some() { State::Handshaking } else { State::Open };
        self.add_socket(key, TcpStream::from_std(stream), tls, state, Some(listener));
    }

    /// A connection that never gets a place.
    fn refuse(&mut self, error: &TlsError) {
        self.worker.telemetry.counters.add(CounterName::ConnectionsRefused, error.label(), 1);
        self.handle.load.fetch_sub(1, Relaxed);
        self.descriptors.give_back();
    }

    fn connect(&mut self, key: ConnectionKey, action: (std::net::SocketAddr, Option<tulle_mesh::spiffe::SpiffeId>)) {
        let (address, identity) = action;
        let tls = match identity.map(|expected| Tls::client(&self.identity, &expected)).transpose() {
            Ok(tls) => tls,
            Err(error) => return self.worker.connect_failed(key, &error.to_string()),
        };
        if !self.descriptors.take() {
            return self.worker.connect_failed(key, "the process has as many descriptors open as it may");
        }
        match TcpStream::connect(address) {
            Ok(stream) => self.add_socket(key, stream, tls, State::Connecting, None),
            Err(error) => {
                self.descriptors.give_back();
                self.worker.connect_failed(key, &error.to_string());
            }
        }
    }

    fn add_socket(
        &mut self,
        key: ConnectionKey,
        mut stream: TcpStream,
        tls: Option<Tls>,
        state: State,
        listener: Option<Listener>,
    ) {
        let index = key.0 as usize;
        if self.sockets.len() <= index {
            self.sockets.resize_with(index + 1, || None);
        }
        let interest = Interest::READABLE | Interest::WRITABLE;
        let registered = self.poll.registry().register(&mut stream, Token(index), interest);
        self.sockets[index] = Some(Socket::new(stream, tls, state, listener));
        if let Err(error) = registered {
            self.worker.connect_failed(key, &error.to_string());
        }
    }

    fn close_socket(&mut self, key: ConnectionKey) {
        let Some(mut socket) = self.sockets.get_mut(key.0 as usize).and_then(Option::take) else { return };
        let _ = self.poll.registry().deregister(&mut socket.stream);
        if socket.listener.is_some() {
            self.handle.load.fetch_sub(1, Relaxed);
        }
        self.descriptors.give_back();
        socket.close();
    }

    fn check_connected(&mut self, key: u32) {
        let Some(Some(socket)) = self.sockets.get_mut(key as usize) else { return };
        match socket.connected() {
            None => {}
            Some(Err(error)) => self.worker.connect_failed(ConnectionKey(key), &error.to_string()),
            Some(Ok(())) if socket.tls.is_some() => {
                socket.state = State::Handshaking;
                self.pump_handshake(key);
            }
            Some(Ok(())) => {
                socket.state = State::Open;
                self.worker.established(ConnectionKey(key), None);
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
                    Action::Connect { key, address, identity } => self.connect(key, (address, identity)),
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
                (Written::Broken, _) | (_, Written::Broken) => return self.worker.closed(key),
                // A full TLS buffer that has just been emptied into the socket takes more.
                _ if !socket.writable => return,
                (Written::Some(0), _) => return self.worker.flushed(key),
                _ => {}
            }
        }
    }
}
