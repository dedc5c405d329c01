"""Exponential histograms of durations, sparse, merged at the coarser scale.

OpenTelemetry's data model: bucket i holds values in (base^i, base^(i+1)], base = 2^(2^-scale). Scale 4, the finest
kept, makes a bucket 4.4 % wide, so that a quantile is off by at most that.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import ceil, exp2, log2
from typing import Final, Self

FINEST: Final = 4
COARSEST: Final = -10


@dataclass(slots=True)
class Histogram:
    """Counts by bucket. `zero` counts what was too short to measure. Values are seconds."""

    scale: int = FINEST
    zero: int = 0
    counts: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of_buckets(cls, scale: int, zero: int, offset: int, counts: Iterable[int]) -> Self:
        """An OTLP ExponentialHistogramDataPoint's positive buckets."""
        steps = max(0, scale - FINEST)
        merged: dict[int, int] = {}
        for bucket, count in enumerate(counts, offset):
            if count:
                merged[bucket >> steps] = merged.get(bucket >> steps, 0) + count
        return cls(scale - steps, zero, merged)

    @classmethod
    def of_bounds(cls, bounds: Sequence[float], counts: Sequence[int]) -> Self:
        """An OTLP HistogramDataPoint: each bucket's count is placed in its middle."""
        found = cls()
        for place, count in enumerate(counts):
            if count:
                found.record(_middle(bounds, place), count)
        return found

    @property
    def total(self) -> int:
        """How many values there are."""
        return self.zero + sum(self.counts.values())

    def record(self, seconds: float, count: int = 1) -> None:
        """Count a value."""
        if seconds <= 0:
            self.zero += count
            return
        bucket = ceil(log2(seconds) * exp2(self.scale)) - 1
        self.counts[bucket] = self.counts.get(bucket, 0) + count

    def coarsen(self, scale: int) -> None:
        """Bring to a scale, if that is below its own."""
        self.counts = self.counts_at(scale)
        self.scale = min(self.scale, scale)

    def counts_at(self, scale: int) -> dict[int, int]:
        """By the buckets of a scale at most its own, 2^n neighbours being one; of its own, the counts themselves."""
        steps = self.scale - scale
        if steps <= 0:
            return self.counts
        merged: dict[int, int] = {}
        for bucket, count in self.counts.items():
            merged[bucket >> steps] = merged.get(bucket >> steps, 0) + count
        return merged

    def add(self, other: "Histogram") -> None:
        """Merge another's counts into this."""
        self.coarsen(other.scale)
        steps = other.scale - self.scale
        self.zero += other.zero
        counts = self.counts
        for bucket, count in other.counts.items():
            counts[bucket >> steps] = counts.get(bucket >> steps, 0) + count

    def since(self, earlier: "Histogram") -> "Histogram | None":
        """What was added since an earlier state of the same series; None if this is no later state of it (a reset)."""
        if earlier.scale < self.scale or earlier.zero > self.zero:
            return None
        before = earlier.counts_at(self.scale)
        if not before.keys() <= self.counts.keys():
            return None
        added = {}
        for bucket, count in self.counts.items():
            more = count - before.get(bucket, 0)
            if more < 0:
                return None
            if more:
                added[bucket] = more
        return Histogram(self.scale, self.zero - earlier.zero, added)

    def quantile(self, share: float) -> float:
        """The value in seconds under which this share (0 to 1) of values lies; 0 when there are none.

        Interpolated within the bucket as if its values were spread evenly over its logarithm.
        """
        rank, below, bucket = share * self.total, float(self.zero), 0
        if rank <= below:
            return 0.0
        for bucket in sorted(self.counts):
            here = self.counts[bucket]
            if below + here >= rank:
                return exp2((bucket + (rank - below) / here) / exp2(self.scale))
            below += here
        return exp2((bucket + 1) / exp2(self.scale))

    def spread(self, bounds: Sequence[float]) -> list[int]:
        """Counts between these bounds in seconds, one more than bounds; a bucket falls where its middle does."""
        columns = [0] * (len(bounds) + 1)
        columns[0] = self.zero
        for bucket, count in self.counts.items():
            middle = exp2((bucket + 0.5) / exp2(self.scale))
            columns[sum(1 for bound in bounds if bound <= middle)] += count
        return columns


def _middle(bounds: Sequence[float], place: int) -> float:
    if not bounds:
        return 0.0
    if place == 0:
        return bounds[0] / 2
    if place >= len(bounds):
        return bounds[-1]
    return (bounds[place - 1] + bounds[place]) / 2
