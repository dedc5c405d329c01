"""When what goes out: metrics and spans each have their own interval, and share the wake-ups."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Self


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be sent."""

    metrics: bool
    spans: bool


EVERYTHING = Due(metrics=True, spans=True)


@dataclass(frozen=True, slots=True)
class Pace:
    """A tick is the shorter of both intervals, in seconds; the longer one is rounded to whole ticks."""

    tick: float
    metrics_every: int
    spans_every: int

    @classmethod
    def of(cls, metrics: timedelta, spans: timedelta) -> Self:
        """Both intervals, over 0."""
        tick = min(metrics, spans)
        return cls(tick.total_seconds(), round(metrics / tick), round(spans / tick))

    def due(self, number: int) -> Due:
        """At the tick of this number, from 1."""
        return Due(metrics=number % self.metrics_every == 0, spans=number % self.spans_every == 0)
