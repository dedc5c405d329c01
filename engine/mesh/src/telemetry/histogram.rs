//! A log-linear histogram of microseconds, as `Histogram` in engine.proto has it.

use crate::proto;
use std::time::Duration;

/// 2^5 linear steps an octave: a bucket is at most 1/32 of its values wide.
pub const SCALE: u32 = 5;
/// Longer durations count as this: 71 minutes.
pub const MAX_US: u64 = u32::MAX as u64;
const OCTAVES: usize = 32;
const BUCKETS: usize = (OCTAVES - SCALE as usize + 1) << SCALE;

/// Counts of durations. Recording is a few instructions whatever is in it.
#[derive(Clone, Debug)]
pub struct Histogram {
    counts: Box<[u64; BUCKETS]>,
    sum_us: u64,
    max_us: u64,
    /// The first and last bucket used: what lies outside is not looked at when drained.
    lowest: usize,
    highest: usize,
}

/// The bucket of a value, in microseconds: itself below 2^scale, else by octave and step.
#[must_use]
pub fn bucket_of(us: u64) -> usize {
    let us = us.min(MAX_US);
    // Below 2^(scale+1) the formula of engine.proto gives the value itself; the `|` makes that one case of it.
    let octave = (us | (1 << SCALE)).ilog2();
    let shift = octave - SCALE;
    ((shift as usize) << SCALE) + (us >> shift) as usize
}

/// The values of a bucket: first and one past the last, in microseconds.
#[must_use]
pub fn bounds_of(bucket: usize) -> (u64, u64) {
    let shift = (bucket >> SCALE).saturating_sub(1);
    let step = (bucket - (shift << SCALE)) as u64;
    (step << shift, (step + 1) << shift)
}

// === impl Histogram ===

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: Box::new([0; BUCKETS]), sum_us: 0, max_us: 0, lowest: BUCKETS, highest: 0 }
    }
}

impl Histogram {
    /// Counts one duration in microseconds.
    pub fn record(&mut self, us: u64) {
        let bucket = bucket_of(us);
        self.counts[bucket] += 1;
        self.sum_us += us;
        self.max_us = self.max_us.max(us);
        self.lowest = self.lowest.min(bucket);
        self.highest = self.highest.max(bucket);
    }

    /// How many were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.used().map(|(_, count)| count).sum()
    }

    /// The value at a quantile (0.0 to 1.0): the upper bound of its bucket; `None` when empty.
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> Option<Duration> {
        let rank = (quantile.clamp(0.0, 1.0) * self.count() as f64).ceil().max(1.0) as u64;
        let mut below = 0;
        let bucket = self.used().find(|(_, count)| {
            below += count;
            below >= rank
        });
        bucket.map(|(bucket, _)| Duration::from_micros(bounds_of(bucket).1 - 1))
    }

    /// Adds all of `other` and empties it.
    pub fn absorb(&mut self, other: &mut Self) {
        for bucket in other.lowest..=other.highest.min(BUCKETS - 1) {
            self.counts[bucket] += std::mem::take(&mut other.counts[bucket]);
        }
        self.sum_us += std::mem::take(&mut other.sum_us);
        self.max_us = self.max_us.max(std::mem::take(&mut other.max_us));
        self.lowest = self.lowest.min(std::mem::replace(&mut other.lowest, BUCKETS));
        self.highest = self.highest.max(std::mem::take(&mut other.highest));
    }

    /// The sparse form of the wire.
    #[must_use]
    pub fn to_proto(&self) -> proto::Histogram {
        let (index, count) = self.used().map(|(bucket, count)| (bucket as u32, count)).unzip();
        proto::Histogram { scale: SCALE, index, count, sum_us: self.sum_us, max_us: self.max_us }
    }

    fn used(&self) -> impl Iterator<Item = (usize, u64)> {
        let used = self.lowest..=self.highest.min(BUCKETS - 1);
        used.map(|bucket| (bucket, self.counts[bucket])).filter(|(_, count)| *count > 0)
    }
}
