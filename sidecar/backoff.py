"""How long to wait before the next try: doubling from `base` to `longest`, the upper half at random."""

from dataclasses import dataclass
from datetime import timedelta
from random import Random


@dataclass(frozen=True, slots=True)
class Backoff:
    """Policy; `delay(n)` is for the n-th failure in a row, from 1 on."""

    base: timedelta
    longest: timedelta

    def __post_init__(self) -> None:
        if not timedelta(0) < self.base <= self.longest:
            raise ValueError(f"a backoff from {self.base} to {self.longest} does not grow")

    def delay(self, failures: int, random: Random) -> float:
        """Seconds. Half is jitter, so that sidecars that failed together do not come back together."""
        doubled = self.base * 2 ** min(max(failures, 1) - 1, 30) if failures < 64 else self.longest
        ceiling = min(doubled, self.longest).total_seconds()
        return max(self.base.total_seconds(), ceiling * (1 - 0.5 * random.random()))
