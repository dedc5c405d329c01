"""Log-linear buckets (engine.proto) as exponential and as A66's ones: no call lost, none far from its place."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protos.tulle.v1 import engine_pb2
from sidecar.telemetry.histogram import (
    A66_LATENCY_SECONDS,
    MAX_EXPONENTIAL_BUCKETS,
    Exponential,
    bounds_us,
    cumulative,
    exponential,
)

SCALE = 4


def bucket(value_us: int, scale: int = SCALE) -> int:
    """As engine.proto defines it."""
    if value_us < 1 << scale:
        return value_us
    octave = value_us.bit_length() - 1
    return ((octave - scale) << scale) + (value_us >> (octave - scale))


def histogram(*values_us: int, scale: int = SCALE) -> engine_pb2.Histogram:
    counts: dict[int, int] = {}
    for value in values_us:
        counts[bucket(value, scale)] = counts.get(bucket(value, scale), 0) + 1
    index = sorted(counts)
    return engine_pb2.Histogram(
        scale=scale,
        index=index,
        count=[counts[one] for one in index],
        sum_us=sum(values_us),
        max_us=max(values_us, default=0),
    )


def bounds_seconds(converted: Exponential, place: int) -> tuple[float, float]:
    base = 2.0 ** (2.0**-converted.scale)
    return base ** (converted.offset + place), base ** (converted.offset + place + 1)


durations = st.integers(min_value=0, max_value=10**10)
scales = st.integers(min_value=1, max_value=8)


@given(durations, scales)
def test_a_bucket_holds_the_values_that_fall_into_it(value: int, scale: int) -> None:
    low, high = bounds_us(bucket(value, scale), scale)
    assert low <= value < high
    assert high - low <= max(1, value >> scale)


@given(st.lists(durations, max_size=50), scales)
def test_no_call_is_lost(values: list[int], scale: int) -> None:
    converted = exponential(histogram(*values, scale=scale))
    assert sum(converted.counts) + converted.zero_count == len(values)
    assert len(converted.counts) <= MAX_EXPONENTIAL_BUCKETS
    assert cumulative(histogram(*values, scale=scale), A66_LATENCY_SECONDS)[-1] == len(values)


@pytest.mark.parametrize("value_us", [1, 15, 16, 17, 999, 1_000, 123_456, 15_000_000])
def test_one_call_lands_within_a_bucket_of_its_duration(value_us: int) -> None:
    converted = exponential(histogram(value_us))
    assert converted.counts == (1,)
    low, high = bounds_seconds(converted, 0)
    width = 1 + 2.0**-SCALE
    assert low / width <= value_us / 1e6 <= high * width


def test_durations_that_were_measured_as_nothing_are_the_zero_count() -> None:
    assert exponential(histogram(0, 0)) == Exponential(SCALE, 0, (), 2, 0.0)


def test_a_wide_range_gives_up_resolution_not_calls() -> None:
    converted = exponential(histogram(1, 10**10, scale=8))
    assert converted.scale < 8
    assert (converted.counts[0], converted.counts[-1], sum(converted.counts)) == (1, 1, 2)


def test_the_minimum_is_the_lowest_bucket() -> None:
    assert math.isclose(exponential(histogram(5, 900)).minimum, 5e-6)


def test_a66_buckets_count_at_or_under_each_bound() -> None:
    counted = cumulative(histogram(9, 700, 42_000), A66_LATENCY_SECONDS)
    counts = dict(zip((*A66_LATENCY_SECONDS, math.inf), counted, strict=True))
    assert (counts[0.00001], counts[0.0006], counts[0.0008], counts[0.04], counts[0.05]) == (1, 1, 2, 2, 3)
    assert counts[math.inf] == 3
