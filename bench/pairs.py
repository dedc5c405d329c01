"""Ratios of what was measured in the same round, their median and how sure it is."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

RESAMPLES = 2000
ENOUGH = 5  # pairs; with fewer a bootstrap says nothing, and the range is given instead
SEED = 1


@dataclass(frozen=True)
class Estimate:
    """A median of `pairs` values; `low` to `high` is its 95 % interval by bootstrap, or, under 5 pairs, their range."""

    middle: float
    low: float
    high: float
    pairs: int

    @property
    def is_interval(self) -> bool:
        return self.pairs >= ENOUGH


def estimate(values: list[float]) -> Estimate | None:
    """None without a value."""
    if not values:
        return None
    if len(values) < ENOUGH:
        return Estimate(median(values), min(values), max(values), len(values))
    chance = random.Random(SEED)
    medians = sorted(median(chance.choices(values, k=len(values))) for _ in range(RESAMPLES))
    low, high = medians[int(RESAMPLES * 0.025)], medians[int(RESAMPLES * 0.975) - 1]
    return Estimate(median(values), low, high, len(values))


def ratio(ours: Mapping[int, float], theirs: Mapping[int, float]) -> Estimate | None:
    """Ours over theirs, round by round; rounds that one of them lacks are left out, as are divisors of zero."""
    return estimate([ours[n] / theirs[n] for n in sorted(ours.keys() & theirs.keys()) if theirs[n]])


def difference(ours: Mapping[int, float], theirs: Mapping[int, float]) -> Estimate | None:
    """Ours less theirs, round by round."""
    return estimate([ours[n] - theirs[n] for n in sorted(ours.keys() & theirs.keys())])
