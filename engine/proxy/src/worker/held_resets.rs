//! Resets that wait, because the connection is shared: one client's rapid resets, passed on as they come, trip the
//! server's own limit, and its GOAWAY hits everybody (design: engine, trap 1).
//!
//! A young stream's reset goes out at once while [`Resets`](super::resets::Resets) allows it. Others wait until their
//! stream is no longer young. Until then the work behind the stream goes on, and counts against the connection of the
//! caller who gave it up. Another sidecar's connection carries many callers, and that sidecar has paced their cancels by
//! this same rule: what keeps roughly to the pace is not held against all of them.

use super::connection::Side;
use super::names::{Listener, StreamRef};
use super::{Timer, Worker};
use crate::timers::TimerId;
use std::time::{Duration, Instant};
use tulle_http2::{ErrorCode, Token};

/// Servers call a reset rapid within a second of their seeing the stream; it may reach them a little late.
const YOUNG: Duration = Duration::from_millis(1_100);

/// The streams of a connection that are to be reset later.
#[derive(Debug)]
pub(crate) struct HeldResets {
    held: Vec<Held>,
    timer: TimerId,
}

/// A stream that nobody wants any more, still open upstream.
#[derive(Clone, Copy, Debug)]
struct Held {
    up: StreamRef,
    pool: usize,
    due: Instant,
    /// `None` where it counts against nobody.
    owner: Option<Owner>,
}

/// The downstream connection whose caller gave it up. Keys are given out again, serials are not.
#[derive(Clone, Copy, Debug)]
struct Owner {
    key: u32,
    serial: u64,
}

// === impl HeldResets ===

impl HeldResets {
    pub(crate) fn new() -> Self {
        Self { held: Vec::new(), timer: TimerId::NONE }
    }
}

// === impl Worker ===

impl Worker {
    /// Lets go of an attempt's stream that was `launched` for a caller on `down`: reset where it is open still, at once or
    /// when it is no longer young.
    pub(crate) fn let_go(&mut self, up: StreamRef, pool: usize, launched: Instant, down: u32) {
        let now = self.now;
        let Some(connection) = self.connections.get_mut(up.connection) else { return self.impossible("let_go") };
        if !connection.http2.is_live(up.stream) {
            return self.stream_freed(up.connection, pool);
        }
        let due = launched + YOUNG;
        let may_go = due <= now || connection.resets.may_go(now);
        let owner = if due <= now { None } else { self.owner_of_young(down) };
        if may_go {
            return self.reset_upstream(up, pool);
        }
        let Some(connection) = self.connections.get_mut(up.connection) else { return self.impossible("let_go") };
        // No further event of it concerns a call.
        connection.http2.set_token(up.stream, Token::NONE);
        self.hold_reset(Held { up, pool, due, owner });
    }

    fn hold_reset(&mut self, held: Held) {
        let key = held.up.connection;
        let Some(connection) = self.connections.get_mut(key) else { return self.impossible("hold_reset") };
        if connection.held_resets.held.is_empty() {
            connection.held_resets.timer = self.timers.insert(held.due, Timer::HeldResets(key));
        }
        connection.held_resets.held.push(held);
        self.count_work(held.owner, true);
    }

    /// Some of a connection's held resets are due.
    pub(crate) fn send_held_resets(&mut self, key: u32) {
        let now = self.now;
        let due = self.take_held(key, |held, _| held.due <= now);
        for held in due {
            self.reset_upstream(held.up, held.pool);
        }
        let Some(connection) = self.connections.get_mut(key) else { return };
        if let Some(next) = connection.held_resets.held.iter().map(|held| held.due).min() {
            connection.held_resets.timer = self.timers.insert(next, Timer::HeldResets(key));
        }
    }

    /// A stream that belongs to no call has had an event: those that have ended by themselves need no reset.
    pub(crate) fn forget_ended_held(&mut self, key: u32) {
        for held in self.take_held(key, |held, http2| !http2.is_live(held.up.stream)) {
            self.stream_freed(key, held.pool);
        }
    }

    /// The connection goes, and all that was held with it.
    pub(crate) fn forget_held(&mut self, key: u32) {
        self.take_held(key, |_, _| true);
        if let Some(connection) = self.connections.get_mut(key) {
            self.timers.cancel(&mut connection.held_resets.timer);
        }
    }

    fn take_held(&mut self, key: u32, which: impl Fn(&Held, &tulle_http2::Connection) -> bool) -> Vec<Held> {
        let Some(connection) = self.connections.get_mut(key) else { return Vec::new() };
        let http2 = &connection.http2;
        let taken: Vec<Held> = connection.held_resets.held.extract_if(.., |held| which(held, http2)).collect();
        for held in &taken {
            self.count_work(held.owner, false);
        }
        taken
    }

    fn reset_upstream(&mut self, up: StreamRef, pool: usize) {
        self.reset(up, ErrorCode::CANCEL);
        self.stream_freed(up.connection, pool);
    }

    /// Work that goes on counts as a stream of the caller's connection, where that is still there.
    fn count_work(&mut self, owner: Option<Owner>, more: bool) {
        let Some(owner) = owner else { return };
        let Some(connection) = self.connections.get_mut(owner.key) else { return };
        if connection.serial == owner.serial {
            connection.still_working = if more { connection.still_working + 1 } else { connection.still_working - 1 };
            connection.http2.set_still_working(connection.still_working);
        }
    }

    /// Who answers for a young stream that is given up.
    fn owner_of_young(&mut self, key: u32) -> Option<Owner> {
        let Some(connection) = self.connections.get_mut(key) else { return self.impossible("owner_of_young") };
        let shared = matches!(connection.side, Side::Downstream { listener: Listener::Inbound, .. });
        let excused = connection.resets.keeps_pace(self.now) && shared;
        (!excused).then_some(Owner { key, serial: connection.serial })
    }
}
