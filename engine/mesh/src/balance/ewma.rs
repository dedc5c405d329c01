//! Peak EWMA: latency that jumps up at once and comes down slowly (Finagle's; decay 10 s, first RTT 30 ms).

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

const DECAY_US: f32 = 10_000_000.0;
const FIRST_US: f32 = 30_000.0;
/// A failure is charged as this latency, in microseconds.
pub(crate) const FAILURE_US: u64 = 5_000_000;

/// Estimate (f32, microseconds) in the upper half, milliseconds of the last change in the lower: one word, so the two
/// never disagree. The milliseconds wrap after 49 days, and differences survive that.
#[derive(Debug)]
pub(crate) struct PeakEwma(AtomicU64);

impl Default for PeakEwma {
    fn default() -> Self {
        Self(AtomicU64::new(pack(FIRST_US, 0)))
    }
}

impl PeakEwma {
    /// The estimate at `now_us`, in microseconds. It falls while nothing is heard, so that an endpoint that was slow is
    /// tried again.
    pub(crate) fn get(&self, now_us: u64) -> f32 {
        let (estimate, stamp) = unpack(self.0.load(Relaxed));
        estimate * weight(stamp, now_us)
    }

    /// Takes in a latency.
    pub(crate) fn observe(&self, latency_us: u64, now_us: u64) {
        let (estimate, stamp) = unpack(self.0.load(Relaxed));
        let latency = latency_us as f32;
        let next = if latency > estimate {
            latency
        } else {
            let weight = weight(stamp, now_us);
            estimate * weight + latency * (1.0 - weight)
        };
        // A plain store: of two workers that finish at once, one sample is lost, which an average bears.
        self.0.store(pack(next, now_us), Relaxed);
    }
}

/// What the past still counts: `e^(-elapsed / decay)`.
fn weight(stamp_ms: u32, now_us: u64) -> f32 {
    let elapsed_ms = ((now_us / 1000) as u32).wrapping_sub(stamp_ms);
    // A worker whose coarse clock is behind another's sees the future: no time has passed.
    if elapsed_ms == 0 || elapsed_ms > u32::MAX / 2 {
        return 1.0;
    }
    let past = elapsed_ms as f32 * (1000.0 / DECAY_US);
    // Below a second the series' first terms are right to 0.02 %, at a tenth of the price.
    if past < 0.1 { 1.0 - past + past * past / 2.0 } else { (-past).exp() }
}

fn pack(estimate: f32, now_us: u64) -> u64 {
    u64::from(estimate.to_bits()) << 32 | u64::from((now_us / 1000) as u32)
}

fn unpack(word: u64) -> (f32, u32) {
    (f32::from_bits((word >> 32) as u32), word as u32)
}
