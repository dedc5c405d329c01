//! Streams and sockets that take nothing while something waits for them (design: engine, "Limits": 60 s, then a reset).
//!
//! A busy connection is looked at four times in the limit. What stood still at four looks in a row is given up: a unary
//! method at once, others only after ten times the limit.

use super::Worker;
use super::connection::{Connection, Stage};
use super::names::StreamRef;
use crate::call::{Failure, Phase};
use std::time::{Duration, Instant};
use tulle_http2::{ErrorCode, Stalled, Token, Waits};
use tulle_mesh::outcome::Outcome;

const LOOKS: u8 = 4;
/// Of a method that is not declared, and of the rest of a stream: its consumer may be slow, and gives window back by
/// halves. Ten times the limit, so that nobody holds a stream for ever.
const PATIENT_LOOKS: u8 = 10 * LOOKS;
const LIMIT: &str = "stall_timeout";

impl Worker {
    /// When a connection is to be looked at next; `None` while there is nothing that could stand still.
    pub(crate) fn next_look(&self, connection: &Connection) -> Option<Instant> {
        let something = connection.http2.active_streams() > 0 || !connection.output().is_empty();
        something.then(|| connection.looked_at + self.between_looks())
    }

    pub(crate) fn between_looks(&self) -> Duration {
        self.settings.limits.stall_timeout / u32::from(LOOKS)
    }

    /// Looks at all of a connection's streams and at its socket.
    pub(crate) fn look(&mut self, key: u32) {
        let now = self.now;
        let Some(connection) = self.connections.get_mut(key) else { return self.impossible("look") };
        connection.looked_at = now;
        // What closes with an empty output still has something in TLS: else it would be gone.
        let nothing_waits = connection.output().is_empty() && connection.stage != Stage::Closing;
        let taken = nothing_waits || connection.written != connection.written_at_look;
        connection.written_at_look = connection.written;
        connection.unread_looks = if taken { 0 } else { connection.unread_looks + 1 };
        if connection.unread_looks >= LOOKS {
            self.over_limit(key, LIMIT);
            return self.lose_connection(key, "unread", "took nothing of what was sent to it");
        }
        for stalled in connection.http2.look_for_stalled(LOOKS) {
            self.on_stalled(key, stalled);
        }
        self.arm_first_upkeep(key);
    }

    fn on_stalled(&mut self, key: u32, stalled: Stalled) {
        let Stalled { stream, token: Token(call), waits, looks } = stalled;
        let at = StreamRef { connection: key, stream };
        if looks < self.patience(call) {
            return;
        }
        if self.calls.get(call).is_some_and(|call| call.up() == Some(at)) {
            self.on_stalled_upstream(key, call, waits);
        } else if !self.is_upstream(key) && self.is_callers_fault(at, call, waits) {
            self.over_limit(key, LIMIT);
            self.drop_stalled_caller(at, call);
        }
    }

    /// How many looks a call's stream may stand still. A reply to no call has nobody who could be slow.
    fn patience(&self, call: u32) -> u8 {
        match self.calls.get(call).map(|call| call.policy.method().unary) {
            None | Some(Some(true)) => LOOKS,
            Some(None | Some(false)) => PATIENT_LOOKS,
        }
    }

    /// A caller that does not take its reply, or does not finish the one message that the method has.
    fn is_callers_fault(&self, down: StreamRef, key: u32, waits: Waits) -> bool {
        let Some(call) = self.calls.get(key).filter(|call| call.down == down) else {
            // A reply of our own, to a request that never became a call.
            return waits == Waits::ForWindow;
        };
        match (waits, call.policy.method().unary) {
            (_, Some(false)) if call.phase != Phase::Flushing => false,
            (Waits::ForWindow, _) => true,
            (Waits::ForData, unary) => {
                unary == Some(true) && call.phase == Phase::Running && self.has_taken_all(call.up())
            }
        }
    }

    fn is_upstream(&self, key: u32) -> bool {
        self.connections.get(key).is_some_and(Connection::is_upstream)
    }

    fn has_taken_all(&self, up: Option<StreamRef>) -> bool {
        let Some(up) = up else { return false };
        self.connections.get(up.connection).is_some_and(|c| c.http2.queued(up.stream) == 0)
    }

    fn drop_stalled_caller(&mut self, down: StreamRef, key: u32) {
        self.reset(down, ErrorCode::CANCEL);
        if self.calls.get(key).is_some_and(|call| call.down == down) {
            self.tell_cut(key, LIMIT, "the caller neither took its answer nor ended its request");
            self.on_caller_gone(key);
        }
    }

    /// The upstream takes nothing of a request. That it says nothing is no fault: deadlines bound that.
    fn on_stalled_upstream(&mut self, key: u32, call: u32, waits: Waits) {
        let streams = self.calls.get(call).is_some_and(|call| call.policy.method().unary == Some(false));
        if waits == Waits::ForData || streams {
            return;
        }
        self.over_limit(key, LIMIT);
        let limit = (self.between_looks() * u32::from(self.patience(call))).as_secs_f64();
        let message = self.upstream_words(call, &format!("took nothing of the request for {limit} s (stall_timeout)"));
        self.attempt_failed(call, Failure::new(Outcome::cap(), message));
    }
}
