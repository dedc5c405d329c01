//! A graceful stop: GOAWAY in two phases, calls in flight end, the connections with them.

use super::connection::{Draining, Side, Stage};
use super::names::Listener;
use super::{Timer, Worker};
use std::time::{Duration, Instant};

/// Between the GOAWAY that announces the end and the one that names the last stream: a round trip and more.
const PHASE: Duration = Duration::from_millis(500);

/// What is drained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Calls of other sidecars: the application leaves the mesh first and may still call others.
    Inbound,
    /// Everything.
    All,
}

/// How far the draining has come.
#[derive(Debug, Default)]
pub(crate) struct Drain {
    scope: Option<Scope>,
    /// A timer for the second phase is set: one serves all connections.
    is_timed: bool,
}

impl Worker {
    /// Begins a graceful stop of `scope`; new connections of it are still answered, and told to go.
    pub fn drain(&mut self, scope: Scope) {
        if self.drain.scope >= Some(scope) {
            return;
        }
        self.drain.scope = Some(scope);
        for key in self.drained_connections() {
            self.announce(key);
        }
        self.time_phase(self.now + PHASE);
    }

    fn time_phase(&mut self, at: Instant) {
        if !self.drain.is_timed {
            self.drain.is_timed = true;
            self.timers.insert(at, Timer::DrainPhase);
        }
    }

    /// Whether nothing of what is drained is left to wait for: its peers have been told the last stream, every call has
    /// ended, and the last byte of every reply is with the socket.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        let mut drained = self.connections.iter().filter(|connection| self.is_drained_side(&connection.side));
        drained.all(|connection| match connection.stage {
            Stage::Opening | Stage::Sniffing => true,
            Stage::Open => connection.draining == Draining::Last && connection.http2.active_streams() == 0,
            Stage::Closing => false,
        })
    }

    /// The grace is over: what is in flight is broken, and counted as such.
    pub fn abandon(&mut self) {
        self.tell_replies_cut(self.replies_cut());
        // Callers first: each call is told once, with its caller, and none is left for its server's connection.
        let mut keys = self.connections.keys(|connection| !connection.is_upstream());
        keys.extend(self.connections.keys(super::connection::Connection::is_upstream));
        for key in keys {
            self.lose_by_own_fault(key, "shutdown", "was closed because the proxy stops");
        }
    }

    /// Replies of calls that are over for us, whose end still waits in an output. Not among them: what TLS has taken.
    fn replies_cut(&self) -> usize {
        let callers = self.connections.iter().filter(|connection| !connection.is_upstream());
        callers.map(|connection| connection.http2.unsent_ends()).sum()
    }

    /// The second phase, for those that have been announced to long enough.
    pub(crate) fn drain_last(&mut self) {
        self.drain.is_timed = false;
        let mut next: Option<Instant> = None;
        for key in self.drained_connections() {
            let Some(connection) = self.connections.get_mut(key) else { continue };
            match connection.draining {
                Draining::Announced(at) if at + PHASE <= self.now => {
                    connection.http2.shutdown();
                    connection.draining = Draining::Last;
                    self.touch(key);
                    self.close_if_idle(key);
                }
                Draining::Announced(at) => next = Some(next.map_or(at, |first| first.min(at))),
                Draining::No | Draining::Last => {}
            }
        }
        if let Some(announced) = next {
            self.time_phase(announced + PHASE);
        }
    }

    /// A connection that comes while draining is served and told to go at once.
    pub(crate) fn drain_newcomer(&mut self, key: u32) {
        if self.connections.get(key).is_some_and(|connection| self.is_drained_side(&connection.side)) {
            self.announce(key);
            self.time_phase(self.now + PHASE);
        }
    }

    fn announce(&mut self, key: u32) {
        let now = self.now;
        let Some(connection) = self.connections.get_mut(key) else { return self.impossible("announce") };
        if connection.stage == Stage::Open && connection.draining == Draining::No {
            connection.http2.announce_shutdown();
            connection.draining = Draining::Announced(now);
            self.touch(key);
        }
    }

    fn drained_connections(&self) -> Vec<u32> {
        self.connections.keys(|connection| self.is_drained_side(&connection.side))
    }

    fn is_drained_side(&self, side: &Side) -> bool {
        match (self.drain.scope, side) {
            (Some(Scope::All), Side::Downstream { .. }) => true,
            (Some(Scope::Inbound), Side::Downstream { listener, .. }) => {
                matches!(listener, Listener::Inbound | Listener::InboundPlaintext)
            }
            _ => false,
        }
    }
}
