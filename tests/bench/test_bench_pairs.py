"""Ratios are of the same round, and say how sure they are."""

import pytest

from bench.pairs import difference, estimate, ratio


def test_a_ratio_is_of_pairs_of_the_same_round() -> None:
    found = ratio({1: 1.0, 2: 4.0, 3: 9.0}, {1: 10.0, 2: 10.0, 4: 10.0})
    assert found is not None
    assert (found.middle, found.low, found.high, found.pairs) == (0.25, 0.1, 0.4, 2)


def test_the_median_of_ratios_is_not_the_ratio_of_medians() -> None:
    found = ratio({1: 1.0, 2: 10.0, 3: 100.0}, {1: 10.0, 2: 10.0, 3: 100.0})
    assert found is not None
    assert found.middle == 1.0


def test_few_pairs_give_their_range_and_five_an_interval() -> None:
    few, enough = estimate([1.0, 2.0, 9.0, 4.0]), estimate([1.0, 1.1, 1.2, 1.3, 9.0])
    assert few is not None
    assert enough is not None
    assert not few.is_interval
    assert (few.low, few.high) == (1.0, 9.0)
    assert enough.is_interval
    assert 1.0 <= enough.low <= enough.middle == 1.2 <= enough.high


def test_an_interval_is_the_same_every_time_and_narrows_with_more_pairs() -> None:
    values = [1.0 + n % 7 / 10 for n in range(70)]
    wide, narrow = estimate(values[:7]), estimate(values)
    assert wide is not None
    assert narrow is not None
    assert wide == estimate(values[:7])
    assert narrow.high - narrow.low < wide.high - wide.low


@pytest.mark.parametrize("theirs", [{}, {2: 1.0}, {1: 0.0}], ids=["none", "another round", "zero"])
def test_without_a_pair_there_is_no_ratio(theirs: dict[int, float]) -> None:
    assert ratio({1: 1.0}, theirs) is None


def test_a_difference_is_of_pairs_too() -> None:
    found = difference({1: 3.0, 2: 5.0}, {1: 1.0, 2: 1.0, 3: 0.0})
    assert found is not None
    assert (found.low, found.high) == (2.0, 4.0)
