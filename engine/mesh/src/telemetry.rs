//! What is counted and told: series, counters, spans and events of each worker, collected into one
//! [`crate::proto::Telemetry`] and one [`crate::proto::EngineEvents`].

pub mod collector;
pub mod counters;
pub mod events;
mod fates;
pub mod finished;
pub mod histogram;
pub mod otlp;
mod pace;
pub mod series;
pub mod span;
pub mod trace_context;

pub use collector::Collector;
pub use counters::{CounterName, Counters};
pub use events::Events;
pub use finished::{FinishedSpan, Words};
pub use series::{CallSample, SeriesKey, SeriesTable};
pub use span::SpanRing;

/// What one worker counts. The worker holds it for a turn of its loop, the drain in between; never a lock per call.
#[derive(Debug)]
pub struct WorkerTelemetry {
    /// Calls by series.
    pub series: SeriesTable,
    /// Everything else that is counted.
    pub counters: Counters,
    /// Finished spans.
    pub spans: SpanRing,
    /// What it did by itself.
    pub events: Events,
}

impl WorkerTelemetry {
    /// Empty, with the default bounds: 2,000 series, 512 spans, 256 events.
    #[must_use]
    pub fn new() -> Self {
        Self {
            series: SeriesTable::new(),
            counters: Counters::new(),
            spans: SpanRing::new(span::MAX_SPANS),
            events: Events::default(),
        }
    }
}

impl Default for WorkerTelemetry {
    fn default() -> Self {
        Self::new()
    }
}
