//! A sidecar's turn, in the order of `io/poll`'s `Loop::turn`: timers, the configuration, what the system tells of sockets,
//! commands (what was accepted among them), input, and then all that is to be written, made and closed.

use super::{Command, Sidecar, Socket};
use crate::addresses::place;
use crate::fault::Side;
use crate::passage::{Actor, Conn, News};
use crate::policy::{ECHO, FRONT, OTHER};
use crate::scenario::Entry;
use crate::tamper::Mutation;
use crate::watch::Watch;
use crate::world::World;
use std::net::SocketAddr;
use tulle_mesh::spiffe::SpiffeId;
use tulle_proxy::worker::{Action, ConnectFault, ConnectionKey, Listener, Scope, TlsFault};

/// Read at most this much of a connection a turn, for fairness.
const PAGE: usize = 64 * 1024;
/// Most that may wait in one connection's output (design: semantics, "Backpressure and overload"): a mebibyte, and what
/// one page of input can still call forth.
const MOST_OUTPUT: usize = (1 << 20) + (128 << 10);

// === impl Sidecar ===

impl Sidecar {
    pub(crate) fn turn(&mut self, world: &mut World<'_>) {
        self.is_ready = false;
        self.free_at = world.now + world.scenario.turn;
        world.tamper.turns(self.index);
        self.look_back(world);
        self.worker.turn(world.instant());
        self.look_at_configuration();
        self.note_readiness();
        let stops = self.take_commands(world);
        self.read_ready(world);
        self.settle(world);
        self.report(world);
        self.check_ejections(world);
        match stops {
            true => self.exit(world),
            false => self.report_drained(),
        }
    }

    fn look_at_configuration(&mut self) {
        if let Some(snapshot) = self.published.take() {
            self.worker.apply(snapshot);
        }
    }

    /// A handshake's end and a peer's goodbye are found by reading. What is told of a connection that is still to be
    /// accepted is told in the next turn, when its socket is watched.
    fn note_readiness(&mut self) {
        for (conn, news) in std::mem::take(&mut self.news) {
            let Some(key) = self.keys.get(&conn).copied() else {
                if self.commands.contains(&Command::Accepted(conn)) {
                    self.news.push_back((conn, news));
                    self.is_ready = true;
                }
                continue;
            };
            let Some(socket) = self.sockets.get_mut(&key) else { continue };
            match news {
                News::Established if socket.secured => socket.is_shaken = true,
                News::Established => self.established(key),
                News::Refused => {
                    self.worker.connect_failed(ConnectionKey(key), ConnectFault::Peer, "connection refused")
                }
                News::Writable => self.worker.writable(ConnectionKey(key)),
                News::Closed => socket.is_over = true,
                News::Accepted | News::Readable => {}
            }
        }
    }

    /// Whether it is told to stop.
    fn take_commands(&mut self, world: &mut World<'_>) -> bool {
        let mut stops = false;
        while let Some(command) = self.commands.pop_front() {
            match command {
                Command::Accepted(conn) => self.accept(world, conn),
                Command::Drain if world.tamper.mutation == Mutation::CutsStops => stops = true,
                Command::Drain => self.worker.drain(Scope::All),
                Command::Stop => {
                    self.worker.abandon();
                    stops = true;
                }
            }
        }
        stops
    }

    fn report_drained(&mut self) {
        if self.is_draining && self.worker.is_drained() {
            self.stop();
        }
    }

    fn exit(&mut self, world: &mut World<'_>) {
        world.note("stop", &[self.index as u64], || format!("sidecar {} stops", self.index));
        self.has_stopped = true;
        for socket in std::mem::take(&mut self.sockets).into_values() {
            self.let_go(world, &socket);
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
        let socket = Socket::new(conn, Side::Listener, Watch::new(false, tunnel));
        let secured = listener == Listener::Inbound;
        self.add(world, key, Socket { secured, established: !secured, ..socket });
    }

    fn established(&mut self, key: u32) {
        let Some(socket) = self.sockets.get_mut(&key) else { return };
        socket.established = true;
        self.worker.established(ConnectionKey(key), None);
    }

    /// A handshake is done, and shows who the peer is.
    fn shaken(&mut self, world: &World<'_>, key: u32) {
        let Some(socket) = self.sockets.get_mut(&key).filter(|socket| socket.is_shaken) else { return };
        socket.is_shaken = false;
        if socket.doubted {
            return self.worker.tls_failed(ConnectionKey(key), TlsFault::Broken, "the server proves another identity");
        }
        socket.established = true;
        let caller = if world.tamper.mutation == Mutation::MistakesCallers { OTHER } else { FRONT };
        let peer = (socket.side == Side::Listener).then(|| SpiffeId::parse(caller).expect("an id"));
        self.worker.established(ConnectionKey(key), peer);
    }

    /// A key whose socket is still there was given out before its `Close` was carried out, which hits the newcomer.
    fn add(&mut self, world: &mut World<'_>, key: ConnectionKey, socket: Socket) {
        self.keys.insert(socket.conn, key.0);
        if let Some(before) = self.sockets.insert(key.0, socket) {
            let words =
                format!("sidecar {} gives out key {} of {:?} anew before it closes it", self.index, key.0, before.conn);
            world.judge.violated("reuse", words);
        }
    }

    fn read_ready(&mut self, world: &mut World<'_>) {
        for key in self.sockets.keys().copied().collect::<Vec<_>>() {
            self.shaken(world, key);
            let mut taken = 0;
            while taken < PAGE {
                let Some(bytes) = self.next_input(world, key) else { break };
                taken += bytes.len();
                self.worker.received(ConnectionKey(key), &bytes);
            }
            let Some(socket) = self.sockets.get(&key) else { continue };
            let to = world.net.actor(socket.conn, socket.side.other());
            let is_over = socket.is_over && world.tamper.mutation != Mutation::DeafToClosing;
            if is_over || world.tamper.is_impatient(to, world.now.since(socket.watch.now)) {
                self.worker.closed(ConnectionKey(key));
            }
            // More of it is for the next turn, as other connections' is.
            self.is_ready |= self.worker.wants_input(ConnectionKey(key))
                && world.net.has_arrived(socket.conn, socket.side)
                && !world.tamper.is_deaf(to, world.now);
        }
    }

    fn next_input(&mut self, world: &mut World<'_>, key: u32) -> Option<Vec<u8>> {
        let socket = self.sockets.get_mut(&key)?;
        if !socket.established || !self.worker.wants_input(ConnectionKey(key)) {
            return None;
        }
        let from = world.net.actor(socket.conn, socket.side.other());
        if world.tamper.is_deaf(from, world.now) {
            return None;
        }
        let bytes = world.read(socket.conn, socket.side)?;
        socket.watch.read(world.now, &bytes);
        Some(world.tamper.heard(self.index, from, &bytes).unwrap_or(bytes))
    }

    fn settle(&mut self, world: &mut World<'_>) {
        for key in std::mem::take(&mut self.late) {
            self.close(world, key);
        }
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
        let pings = |own: &Self| own.sockets.get(&key.0).map_or(0, |socket| socket.watch.pings);
        let before = pings(self);
        self.write_output(world, key);
        if pings(self) > before
            && let Some(lasts) = self.freezes.take()
        {
            self.freeze(world, lasts);
        }
    }

    fn write_output(&mut self, world: &mut World<'_>, key: ConnectionKey) {
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
            Action::Connect { key, address, identity } => self.connect(world, key, address, identity.as_ref()),
            Action::Close { key } if world.tamper.mutation == Mutation::ClosesLate => self.late.push(key),
            Action::Close { key } => self.close(world, key),
        }
    }

    fn close(&mut self, world: &mut World<'_>, key: ConnectionKey) {
        let Some(socket) = self.sockets.remove(&key.0) else { return };
        self.keys.remove(&socket.conn);
        self.check_burial(world, key.0);
        self.let_go(world, &socket);
    }

    fn connect(&mut self, world: &mut World<'_>, key: ConnectionKey, address: SocketAddr, identity: Option<&SpiffeId>) {
        let (to, link) = place(address, self.index);
        let secured = matches!(to, Actor::Sidecar(_));
        assert_eq!(identity.is_some(), secured, "{address} is asked for another proof than it has");
        let from = Actor::Sidecar(self.index);
        let conn = world.net.dial(world.now, &mut world.agenda, from, to, link);
        let doubted = identity.is_some_and(|identity| identity.as_str() != ECHO)
            && world.tamper.mutation != Mutation::BelievesServers;
        let socket = Socket::new(conn, Side::Dialer, Watch::new(true, false));
        self.add(world, key, Socket { secured, doubted, ..socket });
    }

    fn let_go(&mut self, world: &mut World<'_>, socket: &Socket) {
        self.pings += socket.watch.pings;
        self.judge(world, socket);
        if self.is_draining && socket.side == Side::Listener && !socket.is_over {
            world.judge.cut_in_stop(self.index, world.now, socket.watch.unanswered());
        }
        world.judge.connection_over(socket.conn);
        world.close(socket.conn, socket.side);
    }
}

// === impl Socket ===

impl Socket {
    fn new(conn: Conn, side: Side, watch: Watch) -> Self {
        Self { conn, side, watch, established: false, secured: false, is_shaken: false, is_over: false, doubted: false }
    }
}
