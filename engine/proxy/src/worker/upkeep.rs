//! A connection's own time: handshake, keepalive, idleness. One timer each, set anew when it fires and not per event.

use super::connection::{Connection, Draining, Side, Stage};
use super::{ConnectFault, ConnectionKey, Timer, Worker};
use std::time::{Duration, Instant};

/// Silence after which another sidecar with calls under way is asked whether it lives (design: semantics, "Deadlines").
const SILENCE: Duration = Duration::from_secs(10);
/// How long it may take to answer.
const PING_TIMEOUT: Duration = Duration::from_secs(5);
/// Life without a stream of a connection beyond its pool's first.
const SPARE: Duration = Duration::from_secs(60);
/// How long the peer of a connection that we gave up may take to read why.
const CLOSING_TIMEOUT: Duration = Duration::from_secs(1);

/// What is due on a connection.
enum Due {
    Later(Instant),
    HandshakeOver,
    Ping,
    Dead,
    HeadUnfinished,
    FrameUnfinished,
    Look,
    Idle,
    CloseNow,
}

impl Worker {
    /// A connection's timer has fired.
    pub(crate) fn keep_up(&mut self, key: u32) {
        match self.due(key) {
            Some(Due::Later(at)) => self.arm_upkeep(key, at),
            Some(Due::HandshakeOver) => self.handshake_over(key),
            Some(Due::Ping) => self.ask_for_life(key),
            Some(Due::Dead) => self.lose_connection(key, "keepalive", "was silent for 10 s and did not answer a PING"),
            Some(Due::HeadUnfinished) => self.head_unfinished(key),
            Some(Due::FrameUnfinished) => self.frame_unfinished(key),
            Some(Due::Look) => self.look(key),
            Some(Due::Idle) => self.close_idle(key),
            Some(Due::CloseNow) => self.finish_closing(key),
            None => {}
        }
    }

    fn due(&self, key: u32) -> Option<Due> {
        let connection = self.connections.get(key)?;
        let limits = &self.settings.limits;
        let or_later = |at: Instant, due: Due| if at <= self.now { due } else { Due::Later(at) };
        let judged = |at: Instant, due: Due| or_later(at.max(self.not_judged_before), due);
        if connection.stage == Stage::Closing {
            let look = || or_later(connection.looked_at + self.between_looks(), Due::Look);
            return Some(connection.rest_until.map_or_else(look, |at| or_later(at, Due::CloseNow)));
        }
        if connection.stage != Stage::Open || !connection.http2.settings_received() {
            let patience = match &connection.side {
                Side::Upstream { pool, .. } if connection.stage == Stage::Opening => {
                    self.pools.get(*pool).map_or(limits.handshake_timeout, |pool| pool.connect_timeout)
                }
                _ => limits.handshake_timeout,
            };
            return Some(judged(connection.opened_at + patience, Due::HandshakeOver));
        }
        if let Some(since) = connection.http2.header_block_since() {
            return Some(judged(since + limits.headers.block_timeout, Due::HeadUnfinished));
        }
        if let Some(at) = self.frame_due(connection).filter(|at| *at <= self.now) {
            return Some(judged(at, Due::FrameUnfinished));
        }
        if let Some(look) = self.next_look(connection) {
            return Some(match self.life_due(connection) {
                Some((at, due)) if at < look => or_later(at, due),
                _ => or_later(look, Due::Look),
            });
        }
        let idle = connection.received_at.max(connection.busy_since) + self.idle_time(key, connection);
        Some(match self.frame_due(connection) {
            Some(at) if at < idle => Due::Later(at),
            _ => or_later(idle, Due::Idle),
        })
    }

    /// When a frame that has begun is to be given up. Not while it is we who do not read.
    fn frame_due(&self, connection: &Connection) -> Option<Instant> {
        let since = connection.http2.frame_since().filter(|_| connection.http2.wants_input())?;
        Some(since + self.settings.limits.stall_timeout)
    }

    /// How long a connection may live without a stream. Those that a pool made beyond its first, for a burst, go soon.
    fn idle_time(&self, key: u32, connection: &Connection) -> Duration {
        let most = self.settings.limits.idle_timeout;
        match connection.side {
            Side::Upstream { pool, .. } if self.pools.get(pool).is_some_and(|pool| pool.is_spare(key)) => {
                most.min(SPARE)
            }
            _ => most,
        }
    }

    /// When another sidecar with calls under way is to be asked, or given up. A machine that vanished sends no goodbye:
    /// without asking, the calls of its sidecar would run for ever.
    fn life_due(&self, connection: &Connection) -> Option<(Instant, Due)> {
        if !connection.is_of_a_sidecar() || connection.http2.active_streams() == 0 {
            return None;
        }
        Some(match connection.pinged_at {
            Some(at) => ((at + PING_TIMEOUT).max(self.not_judged_before), Due::Dead),
            None => (connection.received_at.max(connection.busy_since) + SILENCE, Due::Ping),
        })
    }

    pub(crate) fn arm_upkeep(&mut self, key: u32, at: Instant) {
        let Some(connection) = self.connections.get_mut(key) else { return self.impossible("arm_upkeep") };
        self.timers.cancel(&mut connection.upkeep);
        connection.upkeep = self.timers.insert(at, Timer::Upkeep(key));
        connection.upkeep_at = at;
    }

    pub(crate) fn arm_first_upkeep(&mut self, key: u32) {
        match self.due(key) {
            Some(Due::Later(at)) => self.arm_upkeep(key, at),
            _ => self.arm_upkeep(key, self.now),
        }
    }

    /// What is left in the output of a connection that was given up goes out soon or not at all.
    pub(crate) fn hurry_closing(&mut self, key: u32) {
        let until = self.now + CLOSING_TIMEOUT;
        let Some(connection) = self.connections.get_mut(key) else { return };
        if connection.stage == Stage::Closing {
            connection.rest_until = Some(until);
            self.arm_upkeep(key, until);
        }
    }

    /// A connection got its first stream: from now on its silence counts.
    pub(crate) fn became_busy(&mut self, key: u32) {
        let at = self.now + SILENCE.min(self.between_looks());
        let Some(connection) = self.connections.get_mut(key) else { return self.impossible("became_busy") };
        connection.busy_since = self.now;
        if connection.upkeep_at > at {
            self.arm_upkeep(key, at);
        }
    }

    /// After input: an unfinished frame or header block has a time of its own.
    pub(crate) fn watch_unfinished(&mut self, key: u32) {
        let Some(connection) = self.connections.get(key) else { return };
        if let Some(at) = self.frame_due(connection)
            && connection.upkeep_at > at
        {
            return self.arm_first_upkeep(key);
        }
        if let Some(since) = connection.http2.header_block_since()
            && connection.upkeep_at > since + self.settings.limits.headers.block_timeout
        {
            self.arm_upkeep(key, since + self.settings.limits.headers.block_timeout);
        }
    }

    fn ask_for_life(&mut self, key: u32) {
        let at = self.now;
        let Some(connection) = self.connections.change(key) else { return self.impossible("ask_for_life") };
        connection.http2.ping(*b"tulle-ka");
        connection.pinged_at = Some(at);
        self.arm_first_upkeep(key);
    }

    fn head_unfinished(&mut self, key: u32) {
        let Some(connection) = self.connections.get_mut(key) else { return self.impossible("head_unfinished") };
        let error = connection.http2.fail_late_block();
        self.connection_error(key, error);
    }

    fn frame_unfinished(&mut self, key: u32) {
        self.over_limit(key, "stall_timeout");
        self.lose_connection(key, "unfinished", "began a frame and did not finish it");
    }

    fn handshake_over(&mut self, key: u32) {
        let stage = self.connections.get(key).map(|connection| connection.stage);
        match stage {
            Some(Stage::Opening) => {
                self.over_limit(key, "handshake_timeout");
                self.connect_failed(ConnectionKey(key), ConnectFault::Peer, "the handshake was not done in time");
            }
            _ => {
                self.over_limit(key, "handshake_timeout");
                self.lose_connection(key, "handshake", "did not begin http/2 in time");
            }
        }
    }

    fn close_idle(&mut self, key: u32) {
        let Some(connection) = self.connections.get_mut(key) else { return self.impossible("close_idle") };
        connection.http2.shutdown();
        connection.draining = Draining::Last;
        self.close_gracefully(key, "idle");
        self.hurry_closing(key);
    }
}
