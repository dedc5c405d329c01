//! Resets that are not passed on at once, because the connection is shared: one client's rapid resets, passed on as they
//! come, trip the server's own limit, and its GOAWAY hits everybody (design: engine, trap 1).
//!
//! A young stream's reset goes out at once while few do: 50 in ten seconds and one for every fourth stream opened. Under
//! that, at most half of the resets that any ten seconds of the server's hold can be young (`http2/floods`, and Envoy's
//! rule likewise). Others wait until their stream is no longer young; so long their work runs on, and counts against the
//! connection of the caller who gave it up. Another sidecar's connection carries many callers, whose cancels it has
//! paced by this same rule: what keeps about to it is not held against all of them.

use super::connection::Side;
use super::names::{Listener, StreamRef};
use super::{Timer, Worker};
use crate::timers::TimerId;
use std::time::{Duration, Instant};
use tulle_http2::{ErrorCode, Token};

const WINDOW: Duration = Duration::from_secs(10);
/// Servers call a reset rapid within a second of their seeing the stream; it may reach them a little late.
const YOUNG: Duration = Duration::from_millis(1_100);
/// Young resets of a window that go out at once.
const AT_ONCE: u32 = 50;
/// And one for so many streams opened.
const OPENED_FOR_ONE: u32 = 4;
/// The same of another sidecar, whose window of ten seconds begins at another time.
const OF_SIDECAR: u32 = 100;
const OPENED_FOR_ONE_OF_SIDECAR: u32 = 3;

/// How a connection's streams were given up lately: those to a server, or those of a caller.
#[derive(Debug)]
pub(crate) struct Resets {
    since: Instant,
    opened: u32,
    young: u32,
    pub(crate) held: Vec<Held>,
    timer: TimerId,
}

/// A stream that nobody wants any more, still open upstream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
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

// === impl Resets ===

impl Resets {
    pub(crate) fn new(now: Instant) -> Self {
        Self { since: now, opened: 0, young: 0, held: Vec::new(), timer: TimerId::NONE }
    }

    pub(crate) fn opened(&mut self, now: Instant) {
        self.roll(now);
        self.opened += 1;
    }

    /// Whether one more young stream may be reset at once; counts it if so.
    fn may_go(&mut self, now: Instant) -> bool {
        self.roll(now);
        let may = self.young < AT_ONCE + self.opened / OPENED_FOR_ONE;
        self.young += u32::from(may);
        may
    }

    /// One more young stream of a sidecar's was given up; whether that keeps to its pace.
    fn keeps_pace(&mut self, now: Instant) -> bool {
        self.roll(now);
        self.young += 1;
        self.young <= OF_SIDECAR + self.opened / OPENED_FOR_ONE_OF_SIDECAR
    }

    fn roll(&mut self, now: Instant) {
        if now.saturating_duration_since(self.since) >= WINDOW {
            (self.since, self.opened, self.young) = (now, 0, 0);
        }
    }
}

// === impl Worker ===

impl Worker {
    /// Lets go of an attempt's stream that was `launched` for a caller on `down`: reset where it is open still, at once or
    /// when it is no longer young.
    pub(crate) fn let_go(&mut self, up: StreamRef, pool: usize, launched: Instant, down: u32) {
        let now = self.now;
        let Some(connection) = self.connections.get_mut(up.connection as usize) else { return };
        if !connection.http2.is_live(up.stream) {
            return self.stream_freed(up.connection, pool);
        }
        let due = launched + YOUNG;
        let may_go = due <= now || connection.resets.may_go(now);
        let owner = if due <= now { None } else { self.owner_of_young(down) };
        if may_go {
            return self.reset_upstream(up, pool);
        }
        let Some(connection) = self.connections.get_mut(up.connection as usize) else { return };
        // No further event of it concerns a call.
        connection.http2.set_token(up.stream, Token::NONE);
        self.hold_reset(Held { up, pool, due, owner });
    }

    fn hold_reset(&mut self, held: Held) {
        let key = held.up.connection;
        let Some(connection) = self.connections.get_mut(key as usize) else { return };
        if connection.resets.held.is_empty() {
            connection.resets.timer = self.timers.insert(held.due, Timer::HeldResets(key));
        }
        connection.resets.held.push(held);
        self.count_work(held.owner, true);
    }

    /// Some of a connection's held resets are due.
    pub(crate) fn send_held_resets(&mut self, key: u32) {
        let now = self.now;
        let due = self.take_held(key, |held, _| held.due <= now);
        for held in due {
            self.reset_upstream(held.up, held.pool);
        }
        let Some(connection) = self.connections.get_mut(key as usize) else { return };
        if let Some(next) = connection.resets.held.iter().map(|held| held.due).min() {
            connection.resets.timer = self.timers.insert(next, Timer::HeldResets(key));
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
        if let Some(connection) = self.connections.get_mut(key as usize) {
            self.timers.cancel(&mut connection.resets.timer);
        }
    }

    fn take_held(&mut self, key: u32, which: impl Fn(&Held, &tulle_http2::Connection) -> bool) -> Vec<Held> {
        let Some(connection) = self.connections.get_mut(key as usize) else { return Vec::new() };
        let http2 = &connection.http2;
        let taken: Vec<Held> = connection.resets.held.extract_if(.., |held| which(held, http2)).collect();
        for held in &taken {
            self.count_work(held.owner, false);
        }
        taken
    }

    fn reset_upstream(&mut self, up: StreamRef, pool: usize) {
        if let Some(connection) = self.connections.get_mut(up.connection as usize) {
            connection.http2.reset(up.stream, ErrorCode::CANCEL);
            self.touch(up.connection);
        }
        self.stream_freed(up.connection, pool);
    }

    /// Work that goes on counts as a stream of the caller's connection, where that is still there.
    fn count_work(&mut self, owner: Option<Owner>, more: bool) {
        let Some(owner) = owner else { return };
        let Some(connection) = self.connections.get_mut(owner.key as usize) else { return };
        if connection.serial == owner.serial {
            connection.still_working = if more { connection.still_working + 1 } else { connection.still_working - 1 };
            connection.http2.set_still_working(connection.still_working);
        }
    }

    /// Who answers for a young stream that is given up.
    fn owner_of_young(&mut self, key: u32) -> Option<Owner> {
        let connection = self.connections.get_mut(key as usize)?;
        let shared = matches!(connection.side, Side::Downstream { listener: Listener::Inbound, .. });
        let excused = connection.resets.keeps_pace(self.now) && shared;
        (!excused).then_some(Owner { key, serial: connection.serial })
    }
}
