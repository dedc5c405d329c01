//! A worker: connections, pools and calls of one thread. Bytes, time and snapshots in; bytes, connects and closes out.
//!
//! Sans-IO: `io/poll` drives it in production, tests and simulations drive the very same. One turn is: [`Worker::turn`]
//! with the time, then what was accepted, connected, received and closed, then [`Worker::settle`], then every dirty
//! connection's output is written until [`Worker::next_dirty`] gives none, then [`Worker::next_action`] likewise.
//! Nothing is written while input is handled, so that nothing is reaped under a caller that still holds it. What is due
//! fires in [`Worker::settle`], behind the input: no peer is judged by what it said in time and was not yet read. A key is
//! given out again only after its [`Action::Close`] was taken: sockets may be indexed by it.

pub(crate) mod clock;
pub(crate) mod connection;
mod connections;
mod drain;
mod fault;
mod lifecycle;
pub(crate) mod names;
mod noisy;
mod output;
pub(crate) mod places;
pub(crate) mod resets;
mod stalled;
mod tidy;
mod told;
mod turn;
mod upkeep;

pub use connections::Action;
pub use drain::Scope;
pub use fault::{ConnectFault, TlsFault};
pub use names::{ConnectionKey, Listener};

use crate::call::store::Calls;
use crate::pool::Pools;
use crate::settings::Settings;
use crate::timers::Wheel;
use clock::Clock;
use connections::Connections;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tulle_http2::Fields;
use tulle_mesh::random::SplitMix64;
use tulle_mesh::resilience::budget::RetryBudget;
use tulle_mesh::snapshot::Snapshot;
use tulle_mesh::spiffe::SpiffeId;
use tulle_mesh::telemetry::trace_context::Sampler;
use tulle_mesh::telemetry::{CounterName, WorkerTelemetry};
use turn::Turn;

/// A turn this much later than its timer was not late by load: the process stood still (SIGSTOP, a machine that was put
/// to sleep), and heard nobody meanwhile.
const LATE: Duration = Duration::from_secs(1);
/// What peers have then to be heard, though their time is over.
const MOMENT: Duration = Duration::from_secs(1);

/// What a timer is for. Keys are of connections or calls, whose removal cancels their timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    Upkeep(u32),
    Deadline(u32),
    Step(u32),
    Hold(u32),
    DrainPhase,
    Calm(u32),
    Tidy,
}

/// One thread's connections, pools and calls.
pub struct Worker {
    pub(crate) settings: Arc<Settings>,
    pub(crate) snapshot: Option<Arc<Snapshot>>,
    pub(crate) now: Instant,
    /// The turn's timers have not fired yet.
    timers_due: bool,
    /// Until then nobody's silence is held against them: this process itself stood still.
    pub(crate) not_judged_before: Instant,
    pub(crate) clock: Clock,
    pub(crate) random: SplitMix64,
    pub(crate) sampler: Sampler,
    pub(crate) timers: Wheel<Timer>,
    pub(crate) connections: Connections,
    pub(crate) pools: Pools,
    pub(crate) calls: Calls,
    pub(crate) turn: Turn,
    /// What is counted; `io` swaps it with the drain's between turns.
    pub telemetry: WorkerTelemetry,
    /// The field section of the event at hand.
    pub(crate) fields: Fields,
    /// The field section being made.
    pub(crate) scratch: Fields,
    /// The connection that is being handled: whose it is, should that panic.
    pub(crate) at_hand: Option<ConnectionKey>,
    pub(crate) drain: drain::Drain,
    pub(crate) tidying: tidy::Tidying,
    pub(crate) no_budget: RetryBudget,
    pub(crate) anyone: SpiffeId,
    /// Why the mesh itself is at fault for the calls that are being ended; `None` where it is not.
    pub(crate) own_fault: Option<&'static str>,
}

// === impl Worker ===

impl Worker {
    /// A worker with nothing in it. `seed` decides all its randomness; `unix_nano` is the wall clock at `now`.
    ///
    /// # Panics
    /// Never: the placeholder identity is a valid one.
    #[must_use]
    pub fn new(settings: Arc<Settings>, now: Instant, unix_nano: u64, seed: u64) -> Self {
        Self {
            sampler: Sampler::new(settings.trace_ratio),
            settings,
            snapshot: None,
            now,
            timers_due: false,
            not_judged_before: now,
            clock: Clock::new(now, unix_nano),
            random: SplitMix64::new(seed),
            timers: Wheel::new(now),
            connections: Connections::default(),
            pools: Pools::default(),
            calls: Calls::default(),
            turn: Turn::default(),
            telemetry: WorkerTelemetry::new(),
            fields: Fields::new(),
            scratch: Fields::new(),
            at_hand: None,
            drain: drain::Drain::default(),
            tidying: tidy::Tidying::default(),
            no_budget: RetryBudget::default(),
            anyone: SpiffeId::parse("spiffe://unauthenticated/anyone").expect("a valid spiffe id"),
            own_fault: None,
        }
    }

    /// Begins a turn: sets the time. What is due by then fires in [`Worker::settle`].
    pub fn turn(&mut self, now: Instant) {
        if now.saturating_duration_since(self.now) > LATE && self.next_timer().is_some_and(|at| at + LATE < now) {
            self.not_judged_before = now + MOMENT;
        }
        self.now = now;
        self.timers_due = true;
    }

    fn fire_timers(&mut self) {
        while let Some(timer) = self.timers.pop(self.now) {
            self.at_hand = self.connection_of(timer);
            match timer {
                Timer::Upkeep(key) => self.keep_up(key),
                Timer::Deadline(key) => self.deadline_passed(key),
                Timer::Step(key) => self.step_passed(key),
                Timer::Hold(key) => self.commit(key),
                Timer::DrainPhase => self.drain_last(),
                Timer::Calm(key) => self.calm_down(key),
                Timer::Tidy => self.tidy(),
            }
        }
        self.timers_due = false;
    }

    /// Puts a snapshot in force for new calls. Calls in flight keep theirs, connections stay; pools whose endpoints are
    /// gone close what is idle.
    pub fn apply(&mut self, snapshot: Arc<Snapshot>) {
        let mut in_force = HashMap::new();
        for cluster in snapshot.clusters() {
            in_force.extend(cluster.endpoints().iter().map(|cell| (cell.key(), cluster.connect_timeout())));
        }
        self.snapshot = Some(snapshot);
        self.pools.renew(in_force);
        for key in self.pools.retired_connections() {
            self.close_if_idle(key);
        }
    }

    /// After all input of a turn: starts what is to be tried again and serves the queues, and what is due fires behind
    /// that. A call that got its connection in this turn has not waited too long.
    pub fn settle(&mut self) {
        self.serve_all();
        if self.timers_due {
            self.fire_timers();
            self.serve_all();
        }
        self.at_hand = None;
        self.arm_holds();
        self.pools.drop_left();
    }

    #[inline(always)]
    fn serve_all(&mut self) {
        if !self.turn.is_settled() {
            self.serve();
        }
    }

    /// Most turns have nothing of it.
    #[cold]
    fn serve(&mut self) {
        while let Some(key) = self.turn.next_restart() {
            if self.calls.get(key).is_some_and(|call| call.phase == crate::call::Phase::Backoff) {
                self.at_hand = self.caller_of(key);
                self.start_attempt(key);
            }
        }
        while let Some(pool) = self.turn.next_freed() {
            self.at_hand = None;
            self.serve_queue(pool);
        }
    }

    /// Whether nothing is left to do before the next input.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.turn.is_settled() && self.connections.is_settled()
    }

    /// Counts a look-up that missed though it cannot: what waits for the missed thing may wait for ever, and nobody else
    /// would say so. `place` is the function that looked.
    #[cold]
    pub(crate) fn impossible<T: Default>(&mut self, place: &'static str) -> T {
        self.telemetry.counters.add(CounterName::Impossible, place, 1);
        T::default()
    }

    /// Whose a timer is, as far as its call or connection is known.
    fn connection_of(&self, timer: Timer) -> Option<ConnectionKey> {
        match timer {
            Timer::Upkeep(key) | Timer::Calm(key) => Some(ConnectionKey(key)),
            Timer::Deadline(call) | Timer::Step(call) | Timer::Hold(call) => self.caller_of(call),
            _ => None,
        }
    }

    pub(crate) fn caller_of(&self, call: u32) -> Option<ConnectionKey> {
        self.calls.get(call).map(|call| ConnectionKey(call.down.connection))
    }

    /// What to do with sockets next. The key of a connection that is to be closed is given out again from here on and
    /// not before: whatever was accepted or connected meanwhile has another.
    pub fn next_action(&mut self) -> Option<Action> {
        self.connections.next_action()
    }

    /// When the next turn is due at the latest.
    #[must_use]
    pub fn next_timer(&self) -> Option<Instant> {
        self.timers.next_at()
    }

    /// Time until the next turn is due at the latest.
    #[must_use]
    pub fn time_to_next_timer(&self, now: Instant) -> Option<Duration> {
        self.next_timer().map(|at| at.saturating_duration_since(now))
    }

    /// The connection that is being handled, or was when something panicked.
    #[must_use]
    pub fn at_hand(&self) -> Option<ConnectionKey> {
        self.at_hand
    }

    /// Calls in flight.
    #[must_use]
    pub fn calls_in_flight(&self) -> usize {
        self.calls.len()
    }

    /// Connections, those that are being made and closed included.
    #[must_use]
    pub fn connection_count(&self) -> usize {
        self.connections.len()
    }
}

#[cfg(test)]
#[path = "worker_tests.rs"]
mod tests;
