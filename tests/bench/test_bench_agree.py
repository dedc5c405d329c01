"""Two generators agree on what the target is good for, not on what they themselves cost."""

import pytest

from bench.agree import ALONE, Run, verdict
from bench.cells import Shape
from bench.h2load import Seen
from bench.matrix import CALM, CENTRE


def run(calls_per_s: float, own_us: float) -> Run:
    return Run(Seen(calls_per_s, 0.0, 0.0, 0.0), own_us)


def test_a_generator_that_works_longer_between_two_calls_still_agrees() -> None:
    ours, theirs = run(1e6 / (380 + 20), own_us=20), run(1e6 / (380 + 45), own_us=45)
    ratios, words, agrees = verdict(ALONE, [(ours, theirs)])
    assert ratios == [pytest.approx(1.0)]
    assert (words, agrees) == ("agree", True)


def test_a_generator_that_counts_calls_that_were_not_made_does_not() -> None:
    ours, theirs = run(1e6 / 370, own_us=20), run(1e6 / 400, own_us=20)
    ratios, words, agrees = verdict(ALONE, [(ours, theirs)])
    assert ratios == [pytest.approx(380 / 350)]
    assert (words, agrees) == ("apart by more than 5%", False)


@pytest.mark.parametrize("shape", [CENTRE, CALM])
def test_with_more_in_flight_the_targets_capacity_is_what_counts(shape: Shape) -> None:
    ratios, _, agrees = verdict(shape, [(run(17_000, own_us=2), run(16_000, own_us=20))])
    assert ratios == [pytest.approx(17 / 16)]
    assert not agrees


def test_the_median_of_the_pairs_decides() -> None:
    pairs = [(run(rate, own_us=1), run(1_000, own_us=1)) for rate in (1_300, 990, 1_010)]
    ratios, _, agrees = verdict(CENTRE, pairs)
    assert ratios == pytest.approx([0.99, 1.01, 1.3])
    assert agrees
