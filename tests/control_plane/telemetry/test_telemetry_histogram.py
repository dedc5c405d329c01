"""Exponential histograms: quantiles within a bucket's width, whatever is merged, at whatever scale."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.telemetry.histogram import Histogram

durations = st.floats(min_value=1e-6, max_value=1e3)


def of(*values: float) -> Histogram:
    histogram = Histogram()
    for value in values:
        histogram.record(value)
    return histogram


@given(st.lists(durations, min_size=1, max_size=200), st.sampled_from([0.5, 0.95, 0.99]))
def test_a_quantile_lies_within_the_bucket_of_the_exact_one(values: list[float], share: float) -> None:
    exact = sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
    width = 2 ** (1 / 16) * 1.0000001
    assert exact / width <= of(*values).quantile(share) <= exact * width


def test_quantiles_of_an_even_spread_are_interpolated() -> None:
    histogram = of(*(index / 1000 for index in range(1, 1001)))
    assert histogram.quantile(0.5) == pytest.approx(0.5, rel=0.01)
    assert histogram.quantile(0.95) == pytest.approx(0.95, rel=0.01)
    assert histogram.quantile(0.99) == pytest.approx(0.99, rel=0.01)


def test_nothing_and_too_short_to_measure_are_zero() -> None:
    assert Histogram().quantile(0.99) == 0
    assert of(0.0, 0.0, 1.0).quantile(0.5) == 0


@given(st.lists(durations, max_size=50), st.lists(durations, max_size=50), st.integers(-2, 4), st.integers(-2, 4))
def test_merging_loses_no_count_and_keeps_the_coarser_scale(
    first: list[float], second: list[float], one: int, other: int
) -> None:
    left, right = of(*first), of(*second)
    left.coarsen(one)
    right.coarsen(other)
    left.add(right)
    assert left.total == len(first) + len(second)
    assert left.scale == min(one, other)
    together = of(*first, *second)
    together.coarsen(left.scale)
    assert left.counts == together.counts


def test_a_finer_sender_is_brought_to_our_scale() -> None:
    fine = Histogram.of_buckets(scale=8, zero=2, offset=-16, counts=[1] * 32)
    assert (fine.scale, fine.total) == (4, 34)
    assert fine.counts == {-1: 16, 0: 16}


def test_a_coarser_sender_keeps_its_scale() -> None:
    coarse = Histogram.of_buckets(scale=2, zero=0, offset=-1, counts=[3, 0, 1])
    assert (coarse.scale, coarse.counts) == (2, {-1: 3, 1: 1})


def test_since_leaves_both_as_they_were() -> None:
    before, after = of(1.0, 1.01), of(1.0, 1.01, 1.02)
    after.coarsen(0)
    kept = dict(before.counts)
    assert after.since(before) is not None
    assert (before.scale, before.counts) == (4, kept)
    assert after.total == 3


def test_explicit_bounds_put_each_count_in_the_middle_of_its_bucket() -> None:
    found = Histogram.of_bounds([0.01, 0.1], [1, 2, 1])
    assert found.total == 4
    assert found.quantile(0.5) == pytest.approx(0.055, rel=0.05)


@given(st.lists(durations, max_size=30), st.lists(durations, max_size=30))
def test_what_came_since_is_the_difference(earlier: list[float], later: list[float]) -> None:
    before, after = of(*earlier), of(*earlier, *later)
    added = after.since(before)
    assert added is not None
    assert added.counts == of(*later).counts


def test_since_knows_a_reset_by_what_shrank_or_vanished() -> None:
    assert of(1.0).since(of(1.0, 1.0)) is None
    assert of(1.0, 1.0).since(of(2.0)) is None
    assert of(1.0).since(of(0.0, 1.0)) is None


def test_since_bridges_a_sender_that_went_coarser() -> None:
    before, after = of(1.0, 1.01), of(1.0, 1.01, 1.02)
    after.coarsen(0)
    added = after.since(before)
    assert added is not None
    assert added.total == 1


def test_the_heat_map_has_one_column_more_than_bounds_and_every_count() -> None:
    assert of(0.0, 0.004, 0.02, 5.0).spread([0.005, 0.01, 1.0]) == [2, 0, 1, 1]
