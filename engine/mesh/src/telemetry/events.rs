//! What the proxy did by itself, for its operator: a bounded list a worker, at a bounded pace. A call that ends well
//! costs nothing here.

use super::pace::Pace;
use crate::proto::{self, EngineEvent, EventKind};

/// Events that wait for the next drain.
pub const MAX_EVENTS: usize = 256;
/// Bytes of an event's text, and of each of its names.
pub const MAX_TEXT: usize = 512;

/// A worker's events, oldest first.
#[derive(Debug, Default)]
pub struct Events {
    waiting: Vec<Event>,
    pace: Pace,
}

/// The events of all workers and of the engine itself. Its pace is that of the whole: workers and the drain's exchanges
/// do not add up.
#[derive(Debug, Default)]
pub(super) struct AllEvents {
    waiting: Vec<Event>,
    pace: Pace,
}

/// One event, with what its pace goes by.
#[derive(Debug)]
struct Event {
    kind: EventKind,
    reason: &'static str,
    told: EngineEvent,
}

// === impl Events ===

impl Events {
    /// Keeps an event, where one more of its kind and reason may be told: only then it is made. `told` has what the kind,
    /// the reason and the time do not say.
    pub fn tell(
        &mut self,
        at_unix_nano: u64,
        kind: EventKind,
        reason: &'static str,
        told: impl FnOnce() -> EngineEvent,
    ) {
        if self.waiting.len() >= MAX_EVENTS {
            self.pace.leave_out(kind, reason, 1);
        } else if self.pace.admits(kind, reason, at_unix_nano) {
            self.waiting.push(Event::new(at_unix_nano, kind, reason, told()));
        }
    }
}

// === impl AllEvents ===

impl AllEvents {
    /// Keeps an event of the engine itself.
    pub(super) fn tell(&mut self, at_unix_nano: u64, kind: EventKind, reason: &'static str, told: EngineEvent) {
        self.keep(Event::new(at_unix_nano, kind, reason, told));
    }

    /// Takes over all that a worker told since the last time.
    pub(super) fn absorb(&mut self, worker: &mut Events) {
        self.pace.absorb(&mut worker.pace);
        for event in worker.waiting.drain(..) {
            self.keep(event);
        }
    }

    /// All that waits, by time, each once.
    pub(super) fn take(&mut self) -> proto::EngineEvents {
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.sort_by_key(|event| event.told.time_unix_nano);
        waiting.retain(|event| self.pace.admits(event.kind, event.reason, event.told.time_unix_nano));
        let left_out = self.pace.take_left_out().into_iter();
        proto::EngineEvents {
            events: waiting.into_iter().map(|event| event.told).collect(),
            left_out: left_out.map(|(reason, count)| proto::LeftOut { reason: reason.into(), count }).collect(),
        }
    }

    fn keep(&mut self, event: Event) {
        if self.waiting.len() < MAX_EVENTS {
            self.waiting.push(event);
        } else {
            self.pace.leave_out(event.kind, event.reason, 1);
        }
    }
}

// === impl Event ===

impl Event {
    fn new(at_unix_nano: u64, kind: EventKind, reason: &'static str, mut told: EngineEvent) -> Self {
        told.time_unix_nano = at_unix_nano;
        told.kind = kind.into();
        told.reason = reason.into();
        for text in [&mut told.text, &mut told.peer, &mut told.method] {
            bound(text);
        }
        Self { kind, reason, told }
    }
}

fn bound(text: &mut String) {
    if text.len() > MAX_TEXT {
        let end = (0..=MAX_TEXT).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        text.truncate(end);
        text.shrink_to_fit();
    }
}
