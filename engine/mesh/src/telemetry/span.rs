//! Finished spans on their way out: a bounded ring a worker.

use super::FinishedSpan;
use std::collections::VecDeque;

/// Spans that wait for the next drain: a worker's, and those of all workers. More would take longer to send and to keep
/// than the calls of a busy second are worth.
pub const MAX_SPANS: usize = 512;

/// A bounded queue of finished spans. When it is full, new spans are dropped and counted: what is kept is then a whole
/// stretch of time, not the remains of one.
#[derive(Debug)]
pub struct SpanRing {
    spans: VecDeque<FinishedSpan>,
    bound: usize,
    dropped: u64,
}

impl SpanRing {
    /// A ring for at most `bound` spans. Takes memory as it fills.
    #[must_use]
    pub fn new(bound: usize) -> Self {
        Self { spans: VecDeque::new(), bound, dropped: 0 }
    }

    /// Puts a span in, or counts it as dropped: then it is not even made.
    pub fn push(&mut self, make: impl FnOnce() -> FinishedSpan) {
        if self.spans.len() < self.bound {
            self.spans.push_back(make());
        } else {
            self.dropped += 1;
        }
    }

    /// Spans that wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Takes all spans out, with the number dropped since the last time.
    pub fn take(&mut self) -> (VecDeque<FinishedSpan>, u64) {
        // As much room as was needed this time: the worker's next spans then make none.
        let next = VecDeque::with_capacity(self.spans.len());
        (std::mem::replace(&mut self.spans, next), std::mem::take(&mut self.dropped))
    }
}
