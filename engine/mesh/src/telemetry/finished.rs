//! A finished span as a worker keeps it: one allocation, whatever it tells. It becomes a message where it is drained.

use crate::proto::{self, Direction};
use crate::reason::Reason;

/// A call's or an attempt's span (engine.proto, `Span`).
#[derive(Clone, Debug)]
pub struct FinishedSpan {
    /// Of the whole trace.
    pub trace_id: [u8; 16],
    /// Its own.
    pub span_id: [u8; 8],
    /// The span that it is below, if any.
    pub parent_span_id: Option<[u8; 8]>,
    /// Which side tells it.
    pub direction: Direction,
    /// Whether it is an attempt's, below its call's.
    pub attempt: bool,
    /// Since the epoch.
    pub start_unix_nano: u64,
    /// Since the epoch.
    pub end_unix_nano: u64,
    /// The gRPC status, by number.
    pub grpc_status: u32,
    /// Why, where the proxy itself ended the call.
    pub reason: Option<Reason>,
    /// From 1.
    pub attempt_number: u32,
    /// All names.
    pub words: Words,
}

/// The names of a span, one behind the other.
#[derive(Clone, Debug, Default)]
pub struct Words {
    all: Box<str>,
    /// Where each but the last ends.
    ends: [u32; 4],
}

// === impl Words ===

impl Words {
    /// Method, peer, endpoint, route and trace state, each "" where there is none.
    #[must_use]
    pub fn new(words: [&str; 5]) -> Self {
        let mut all = String::with_capacity(words.iter().map(|word| word.len()).sum());
        let mut ends = [0; 4];
        for (place, word) in words.into_iter().enumerate() {
            all.push_str(word);
            if let Some(end) = ends.get_mut(place) {
                *end = all.len() as u32;
            }
        }
        Self { all: all.into_boxed_str(), ends }
    }

    fn each(&self) -> [&str; 5] {
        let [a, b, c, d] = self.ends.map(|end| end as usize);
        [&self.all[..a], &self.all[a..b], &self.all[b..c], &self.all[c..d], &self.all[d..]]
    }
}

impl From<FinishedSpan> for proto::Span {
    fn from(span: FinishedSpan) -> Self {
        let [method, peer, endpoint, route, trace_state] = span.words.each().map(str::to_owned);
        Self {
            trace_id: span.trace_id.to_vec(),
            span_id: span.span_id.to_vec(),
            parent_span_id: span.parent_span_id.map(|id| id.to_vec()).unwrap_or_default(),
            direction: span.direction.into(),
            attempt: span.attempt,
            start_unix_nano: span.start_unix_nano,
            end_unix_nano: span.end_unix_nano,
            method,
            peer,
            endpoint,
            route,
            grpc_status: span.grpc_status,
            reason: span.reason.map(|reason| reason.as_str().to_owned()).unwrap_or_default(),
            attempt_number: span.attempt_number,
            trace_state,
        }
    }
}
