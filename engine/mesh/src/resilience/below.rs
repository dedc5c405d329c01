//! What an application's own calls came to after retries, so that its failing answer can say so.
//!
//! In a chain A, B, C, the sidecar of B has tried C again and given up; B's application then fails and drops all that
//! it was told. Without this, A's sidecar would try B again, and C would be executed attempts × attempts times. So B's
//! sidecar remembers the calls of its application that failed after retries, and marks the application's own failing
//! answers with `grpc-previous-rpc-attempts` (decision 011). Only calls that fail are looked up or remembered.

use crate::status::Code;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Calls that are remembered; the oldest goes first.
pub const MAX_REMEMBERED: usize = 256;
/// An application that answers later than this after its own call failed has done something else meanwhile.
const SOON: Duration = Duration::from_secs(1);
/// The same for a call that is known by its trace.
const TRACED: Duration = Duration::from_secs(30);

/// How two calls are known to belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The trace that the call came with, or was sent under, by its `traceparent`; `None` where it had none.
    pub trace_id: Option<[u8; 16]>,
    /// How it ended.
    pub code: Code,
}

/// The calls of an application that failed after retries.
#[derive(Debug, Default)]
pub struct Below(VecDeque<Failed>);

#[derive(Debug)]
struct Failed {
    mark: Mark,
    at: Instant,
    retries: u32,
}

// === impl Below ===

impl Below {
    /// An outbound call of the application has failed at `now` after `retries` here or further down (at least 1: see
    /// [`super::retry::Told::previous_attempts`]).
    pub fn remember(&mut self, mark: Mark, retries: u32, now: Instant) {
        if retries == 0 {
            return;
        }
        if self.0.len() == MAX_REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(Failed { mark, at: now, retries });
    }

    /// The retries that were made below a call to the application which began at `began` and fails at `now`; 0 for none.
    /// By its trace, if that is the same; else the latest call that ended with the same status a moment ago, which is then
    /// no longer remembered: it explains one answer.
    pub fn retries_under(&mut self, mark: Mark, began: Instant, now: Instant) -> u32 {
        let within = |failed: &Failed, patience| {
            failed.at >= began && failed.at <= now && now.saturating_duration_since(failed.at) <= patience
        };
        let traced = |failed: &&Failed| mark.trace_id.is_some() && failed.mark.trace_id == mark.trace_id;
        let by_trace =
            self.0.iter().filter(traced).filter(|failed| within(failed, TRACED)).map(|failed| failed.retries);
        if let Some(retries) = by_trace.max() {
            return retries;
        }
        // Calls that have both a trace, and not the same, are known not to belong together.
        let may_belong = |failed: &Failed| mark.trace_id.is_none() || failed.mark.trace_id.is_none();
        let latest = self
            .0
            .iter()
            .rposition(|failed| failed.mark.code == mark.code && may_belong(failed) && within(failed, SOON));
        latest.and_then(|at| self.0.remove(at)).map_or(0, |failed| failed.retries)
    }
}
