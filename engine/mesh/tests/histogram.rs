//! The histogram of engine.proto.

use proptest::prelude::*;
use std::time::Duration;
use tulle_mesh::telemetry::histogram::{Histogram, MAX_US, SCALE, bounds_of, bucket_of};

#[test]
fn buckets_are_those_of_the_contract() {
    for value in 0..1 << SCALE {
        assert_eq!(bucket_of(value), value as usize, "below 2^scale each value has its own");
    }
    for value in [32, 33, 63, 64, 65, 1000, 15_000, 1_000_000, MAX_US] {
        let octave = value.ilog2();
        let formula = ((octave - SCALE) << SCALE) as u64 + (value >> (octave - SCALE));
        assert_eq!(bucket_of(value) as u64, formula, "{value}");
    }
}

#[test]
fn a_quantile_is_the_upper_bound_of_its_bucket() {
    let mut histogram = Histogram::default();
    assert_eq!(histogram.quantile(0.5), None);
    (1..=10).for_each(|us| histogram.record(us));
    assert_eq!(histogram.quantile(0.5), Some(Duration::from_micros(5)));
    assert_eq!(histogram.quantile(1.0), Some(Duration::from_micros(10)));
}

#[test]
fn the_wire_has_the_buckets_that_are_not_empty() {
    let mut histogram = Histogram::default();
    for us in [3, 3, 100, 5_000] {
        histogram.record(us);
    }
    let wire = histogram.to_proto();
    assert_eq!((wire.scale, wire.sum_us, wire.max_us), (5, 5_106, 5_000));
    assert_eq!(wire.index, [3, bucket_of(100) as u32, bucket_of(5_000) as u32]);
    assert_eq!(wire.count, [2, 1, 1]);
}

#[test]
fn what_is_absorbed_leaves_the_other_empty() {
    let (mut whole, mut part) = (Histogram::default(), Histogram::default());
    whole.absorb(&mut part);
    assert_eq!(whole.count(), 0);
    part.record(7);
    part.record(MAX_US);
    whole.record(1);
    whole.absorb(&mut part);
    whole.absorb(&mut part);
    assert_eq!((whole.count(), part.count(), part.to_proto().sum_us), (3, 0, 0));
    part.record(7);
    assert_eq!((part.count(), part.to_proto().max_us), (1, 7));
}

#[test]
fn a_duration_beyond_71_minutes_lands_in_the_last_bucket() {
    let mut histogram = Histogram::default();
    histogram.record(u64::from(u32::MAX) * 10);
    assert_eq!(histogram.to_proto().index, [bucket_of(MAX_US) as u32]);
}

proptest! {
    #[test]
    fn a_value_lies_in_its_bucket_which_is_at_most_a_32nd_wide(us in 0..=MAX_US) {
        let (low, high) = bounds_of(bucket_of(us));
        prop_assert!((low..high).contains(&us));
        prop_assert!((high - low - 1) * 32 <= low.max(32), "{low}..{high}");
    }

    #[test]
    fn buckets_follow_on_one_another(bucket in 0..895_usize) {
        prop_assert_eq!(bounds_of(bucket).1, bounds_of(bucket + 1).0);
        prop_assert_eq!(bucket_of(bounds_of(bucket).0), bucket);
    }

    #[test]
    fn the_median_is_right_to_a_32nd(mut values in proptest::collection::vec(1..10_000_000_u64, 1..200)) {
        let mut histogram = Histogram::default();
        values.iter().for_each(|us| histogram.record(*us));
        values.sort_unstable();
        let exact = values[values.len().div_ceil(2) - 1] as f64;
        let told = histogram.quantile(0.5).expect("not empty").as_micros() as f64;
        prop_assert!(told >= exact && told <= exact * (1.0 + 1.0 / 32.0), "{told} for {exact}");
    }
}
