//! The engine's log-linear histogram as OTLP's exponential one.
//!
//! Each of the engine's buckets gives its whole count to the bucket that its middle falls into: the error is at most its
//! width, 2^-scale of the value.

use super::messages::Buckets;
use crate::proto::Histogram;
use std::collections::BTreeMap;

/// As OpenTelemetry's SDKs do; more resolution than this only costs bytes.
const MAX_BUCKETS: i32 = 160;
const US_A_SECOND: f64 = 1e6;

/// Bucket i of `positive` covers (base^(offset+i), base^(offset+i+1)] seconds, base = 2^(2^-scale).
pub(super) struct Exponential {
    pub(super) scale: i32,
    pub(super) zero_count: u64,
    pub(super) positive: Option<Buckets>,
    pub(super) minimum: f64,
}

// === impl Exponential ===

impl From<&Histogram> for Exponential {
    /// At the engine's resolution, or the finest that fits [`MAX_BUCKETS`].
    fn from(histogram: &Histogram) -> Self {
        let mut scale = histogram.scale as i32;
        let (mut counts, zero_count) = counts(histogram);
        while span_of(&counts) > MAX_BUCKETS {
            counts = halved(&counts);
            scale -= 1;
        }
        let lowest = histogram.index.iter().min();
        let minimum = lowest.map_or(0.0, |index| seconds(bounds_us(*index, histogram.scale).0 as f64));
        Self { scale, zero_count, positive: dense(&counts), minimum }
    }
}

/// A number of microseconds in seconds.
pub(super) fn seconds(us: f64) -> f64 {
    us / US_A_SECOND
}

/// The values `[low, high)` in microseconds that the engine's bucket `index` counts.
fn bounds_us(index: u32, scale: u32) -> (u64, u64) {
    // A scale or an index that no histogram of this engine has counts as its largest: nothing here may overflow.
    let shift = (index >> scale.min(31)).saturating_sub(1).min(32);
    let step = u64::from(index).saturating_sub(u64::from(shift) << scale.min(31));
    (step << shift, (step + 1) << shift)
}

fn counts(histogram: &Histogram) -> (BTreeMap<i32, u64>, u64) {
    let resolution = f64::from(histogram.scale).exp2();
    let (mut counts, mut zero_count) = (BTreeMap::new(), 0);
    for (index, count) in histogram.index.iter().zip(&histogram.count) {
        let (low, high) = bounds_us(*index, histogram.scale);
        // Where a bucket is one value wide, the value is known.
        let middle = if high - low == 1 { low as f64 } else { (low + high) as f64 / 2.0 };
        if middle < 1.0 {
            zero_count += count;
        } else {
            let place = (seconds(middle).log2() * resolution).ceil() as i32 - 1;
            *counts.entry(place).or_insert(0) += count;
        }
    }
    (counts, zero_count)
}

/// From the first bucket used to the last, both counted.
fn span_of(counts: &BTreeMap<i32, u64>) -> i32 {
    match (counts.first_key_value(), counts.last_key_value()) {
        (Some((first, _)), Some((last, _))) => last - first + 1,
        _ => 0,
    }
}

fn halved(counts: &BTreeMap<i32, u64>) -> BTreeMap<i32, u64> {
    let mut halved = BTreeMap::new();
    for (index, count) in counts {
        *halved.entry(index >> 1).or_insert(0) += count;
    }
    halved
}

fn dense(counts: &BTreeMap<i32, u64>) -> Option<Buckets> {
    let (offset, last) = (*counts.first_key_value()?.0, *counts.last_key_value()?.0);
    let bucket_counts = (offset..=last).map(|index| counts.get(&index).copied().unwrap_or(0)).collect();
    Some(Buckets { offset, bucket_counts })
}
