//! What comes back: held until it commits the call, then passed on as it is.

use super::answer::{Said, Speaker};
use super::reply::Head;
use super::{Call, Failure, Phase, Policy, Replay, answer};
use crate::planted;
use crate::worker::{Timer, Worker};
use std::time::Duration;
use tulle_http2::ErrorCode;
use tulle_mesh::outcome::Outcome;
use tulle_mesh::status::Code;
use tulle_mesh::telemetry::CounterName;

/// How long the head of a method of unknown kind may be held: an error follows at once, or it is a stream that waits.
const HOLD: Duration = Duration::from_millis(100);

/// 1xx heads of a call that are passed on.
const MOST_INFORMATIONAL: u32 = 8;

/// Where a final status stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    Trailers,
    TrailersOnly,
}

impl Worker {
    /// A final response head is in `self.fields`.
    pub(crate) fn on_response(&mut self, key: u32, end_stream: bool) {
        let Some(call) = self.calls.get_mut(key) else { return self.impossible("on_response") };
        planted::panic_at("response", &call.head);
        let said = Said::by(Speaker::of(call), &mut self.fields);
        if let Some(attempt) = &mut call.attempt {
            attempt.answered = Some(self.now);
            attempt.http_status = said.http_status;
            if let (Some(cell), Some(ticket), false) = (attempt.target.cell(), attempt.ticket, end_stream) {
                cell.answered(ticket);
            }
        }
        if end_stream {
            return self.response_complete(key, said, Last::TrailersOnly);
        }
        if holds_head(call) {
            call.held.clone_from(&self.fields);
            self.turn.hold(key);
        } else {
            self.forward_head(key);
        }
    }

    /// A 1xx head is in `self.fields`.
    pub(crate) fn on_informational(&mut self, key: u32) {
        let Some(call) = self.calls.get_mut(key) else { return self.impossible("on_informational") };
        call.informational += 1;
        let down = call.down;
        let wanted = call.reply == Head::Unsent && call.held.is_empty() && call.informational <= MOST_INFORMATIONAL;
        // They are hints: a caller that is behind with its reading does without.
        if wanted && self.connections.get(down.connection).is_some_and(|caller| !caller.http2.is_behind()) {
            self.send_fields(down, false);
        } else {
            self.telemetry.counters.add(CounterName::InformationalDropped, "", 1);
        }
    }

    pub(crate) fn on_response_data(&mut self, key: u32, payload: &[u8], end_stream: bool) {
        self.commit(key);
        let Some(call) = self.calls.get_mut(key) else { return self.impossible("on_response_data") };
        call.response_bytes += payload.len() as u64;
        let down = call.down;
        if let Some(attempt) = &mut call.attempt {
            attempt.unreleased += payload.len();
        }
        let sent = self.send_data(down, payload, end_stream);
        self.release_response(key, sent);
        if end_stream {
            let outcome = self.outcome_without_status(key);
            self.end_attempt(key, &outcome);
            self.finish_reply(key, &outcome);
        }
    }

    /// Trailers are in `self.fields`.
    pub(crate) fn on_response_trailers(&mut self, key: u32) {
        let Some(call) = self.calls.get(key) else { return self.impossible("on_response_trailers") };
        let said = Said::by(Speaker::of(call), &mut self.fields);
        self.response_complete(key, said, Last::Trailers);
    }

    /// The upstream reset the stream.
    pub(crate) fn on_upstream_reset(&mut self, key: u32, code: ErrorCode) {
        if code == ErrorCode::CANCEL && self.ended_by_time(key) {
            return;
        }
        let message = self.upstream_words(key, &format!("reset the stream with {code}"));
        self.attempt_failed(key, Failure::new(Outcome::reset(code.0), message));
    }

    /// The upstream never processed the stream.
    pub(crate) fn on_upstream_refused(&mut self, key: u32) {
        let message = self.upstream_words(key, "refused the stream");
        self.attempt_failed(key, Failure::new(Outcome::refused(), message));
    }

    /// Sends a head that is held back: from here on the call is not tried again.
    pub(crate) fn commit(&mut self, key: u32) {
        let Some(call) = self.calls.get_mut(key) else { return self.impossible("commit") };
        if call.held.is_empty() {
            return;
        }
        std::mem::swap(&mut call.held, &mut self.scratch);
        call.held.clear();
        let down = call.down;
        self.send_made(down, false);
        self.committed(key);
    }

    /// A head of unknown kind is held no longer than this turn and a little.
    pub(crate) fn arm_holds(&mut self) {
        while let Some(key) = self.turn.next_held() {
            let at = self.now + HOLD;
            let Some(call) = self.calls.get_mut(key) else { continue };
            if !call.held.is_empty() && call.policy.method().unary.is_none() {
                self.timers.cancel(&mut call.hold_timer);
                call.hold_timer = self.timers.insert(at, Timer::Hold(key));
            }
        }
    }

    /// Gives the upstream window back for what has left to the caller.
    pub(crate) fn release_response(&mut self, key: u32, bytes: usize) {
        let Some(attempt) = self.calls.get_mut(key).and_then(|call| call.attempt.as_mut()) else { return };
        let bytes = bytes.min(attempt.unreleased);
        attempt.unreleased -= bytes;
        if let Some(up) = attempt.stream.filter(|_| bytes > 0) {
            self.release(up, bytes as u32);
        }
    }

    fn forward_head(&mut self, key: u32) {
        let Some(call) = self.calls.get(key) else { return self.impossible("forward_head") };
        let down = call.down;
        self.send_fields(down, false);
        self.committed(key);
    }

    fn committed(&mut self, key: u32) {
        let Some(call) = self.calls.get_mut(key) else { return self.impossible("committed") };
        call.reply = Head::Sent;
        self.timers.cancel(&mut call.hold_timer);
        // The attempt's own time bounds the wait for an answer, not the answer.
        self.timers.cancel(&mut call.step_timer);
        self.drop_replay(key, Replay::Committed);
    }

    /// The final status is in `self.fields`: tried again, or passed on byte for byte.
    fn response_complete(&mut self, key: u32, said: Said, last: Last) {
        let outcome = self.outcome_of(key, &said, last);
        if outcome.code != Code::Ok {
            let Some(call) = self.calls.get_mut(key) else { return self.impossible("response_complete") };
            call.below = said.below;
            if self.tried_again(key, &outcome, said.pushback) {
                return;
            }
            answer::tell(self.told_of(key, &outcome), &mut self.fields);
        }
        self.end_attempt(key, &outcome);
        self.commit(key);
        let Some(call) = self.calls.get_mut(key) else { return self.impossible("response_complete") };
        call.reply = Head::Sent;
        let down = call.down;
        self.send_fields(down, true);
        self.finish_reply(key, &outcome);
    }

    fn outcome_of(&self, key: u32, said: &Said, last: Last) -> Outcome {
        let reason = said.reason.filter(|_| said.code != Some(Code::Ok));
        match (said.code, last) {
            (Some(code), Last::Trailers) => Outcome::trailers(code, reason),
            (Some(code), Last::TrailersOnly) => Outcome::trailers_only(code, reason),
            (None, _) => self.outcome_without_status(key),
        }
    }

    fn outcome_without_status(&self, key: u32) -> Outcome {
        let attempt = self.calls.get(key).and_then(|call| call.attempt.as_ref());
        match attempt.map_or(200, |attempt| attempt.http_status) {
            200 => Outcome::missing_status(),
            status => Outcome::http(status),
        }
    }

    /// "shop/payments at 127.0.0.1:7000 …", for a message.
    pub(crate) fn upstream_words(&self, key: u32, did: &str) -> String {
        let Some(call) = self.calls.get(key) else { return did.to_owned() };
        let whom = call.policy.callee();
        match &call.attempt {
            Some(attempt) => format!("{whom} at {} {did}", attempt.target.address()),
            None => format!("{whom} {did}"),
        }
    }
}

/// Whether a failure in the trailers could still be tried again. Streams get their head at once: their callers may wait
/// for it before they say more.
fn holds_head(call: &Call) -> bool {
    let Policy::Outbound(outbound) = &call.policy else { return false };
    let kind_allows = match outbound.method.unary {
        Some(unary) => unary,
        None => call.request_ended,
    };
    kind_allows && call.phase == Phase::Running && call.replayable == Replay::Kept && call.plan.may_try_again()
}
