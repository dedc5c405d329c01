//! Callers that reset much have upstream connections of their own: resets are passed on at once, and what a server does
//! about them (GOAWAY, ENHANCE_YOUR_CALM) reaches those alone who made them (design: engine, trap 1).
//!
//! A caller is a downstream connection. It is noisy for ten seconds after its 51st young reset in ten seconds. Where all
//! together reset a hundred on the connections they share, a burst may come by ever new callers: for ten seconds one
//! young reset is enough then, and whoever has come less than ten seconds ago does not share at all.

use super::names::StreamRef;
use super::resets::WINDOW;
use super::{Timer, Worker};
use crate::pool::Target;
use std::time::{Duration, Instant};
use tulle_http2::ErrorCode;

/// Servers call a reset rapid within a second of their seeing the stream.
const YOUNG: Duration = Duration::from_secs(1);
/// Young resets of a caller in ten seconds that go out on shared connections. nghttp2 bears 1,000 and Netty 200.
const OF_CALLER: u32 = 50;
/// The same of all callers of a pool together.
const OF_ALL: u32 = 100;

impl Worker {
    /// Lets go of an attempt's stream that was `launched` for the caller on `down`: where it is open still, it is reset.
    pub(crate) fn let_go(&mut self, up: StreamRef, pool: usize, launched: Instant, down: u32) {
        let Some(connection) = self.connections.get(up.connection) else { return self.impossible("let_go") };
        if connection.http2.is_live(up.stream) {
            self.reset(up, ErrorCode::CANCEL);
            if self.now < launched + YOUNG {
                self.count_young(pool, down);
            }
        }
        self.stream_freed(up.connection, pool);
    }

    fn count_young(&mut self, pool: usize, down: u32) {
        let now = self.now;
        let Some(shared) = self.pools.get_mut(pool) else { return self.impossible("count_young") };
        if !shared.is_own && shared.resets.count(now) > OF_ALL {
            shared.alarmed_until = Some(now + WINDOW);
        }
        let borne = if shared.is_alarmed(now) { 0 } else { OF_CALLER };
        let Some(caller) = self.connections.get_mut(down) else { return self.impossible("count_young") };
        if caller.resets.count(now) > borne {
            self.over_limit(down, "resets_passed_on");
            self.separate(down);
        }
    }

    /// From now on, and for ten seconds, the caller's calls go on connections of its own.
    fn separate(&mut self, down: u32) {
        let at = self.now + WINDOW;
        let Some(caller) = self.connections.get_mut(down) else { return self.impossible("separate") };
        if caller.separate_until.replace(at).is_none() {
            caller.calm = self.timers.insert(at, Timer::Calm(down));
        }
    }

    /// A caller's ten seconds may be over.
    pub(crate) fn calm_down(&mut self, key: u32) {
        let now = self.now;
        let Some(caller) = self.connections.get_mut(key) else { return self.impossible("calm_down") };
        match caller.separate_until {
            Some(at) if at > now => caller.calm = self.timers.insert(at, Timer::Calm(key)),
            _ => self.unite(key),
        }
    }

    /// The caller shares with the others again, or goes.
    pub(crate) fn unite(&mut self, down: u32) {
        let Some(caller) = self.connections.get_mut(down) else { return };
        if caller.separate_until.take().is_none() {
            return;
        }
        self.timers.cancel(&mut caller.calm);
        let serial = caller.serial;
        for key in self.pools.disown(serial) {
            self.close_if_idle(key);
        }
    }

    /// The pool of a target for the calls of the caller on `down`.
    pub(crate) fn pool_for(&mut self, down: u32, target: &Target, connect_timeout: Duration) -> usize {
        let shared = self.pools.of(target, connect_timeout, self.now);
        let Some(caller) = self.connections.get(down) else { return shared };
        let (serial, separate) = (caller.serial, caller.separate_until.is_some());
        if !separate && !self.comes_amid_alarm(shared, caller.opened_at) {
            return shared;
        }
        if !separate {
            self.separate(down);
        }
        self.pools.of_its_own(serial, target, connect_timeout, self.now).unwrap_or(shared)
    }

    /// Nothing is known of a caller that came just now, and by callers like it a server was flooded.
    fn comes_amid_alarm(&self, shared: usize, opened_at: Instant) -> bool {
        self.now < opened_at + WINDOW && self.pools.get(shared).is_some_and(|pool| pool.is_alarmed(self.now))
    }
}
