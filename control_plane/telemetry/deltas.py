"""What happened since the last export: cumulative series to deltas, resets and restarts included.

A reset (a new start time, or a value that shrank) begins from nothing. A resource never seen before whose series began
before this process did has been counted by the one before: its first values are the base, not a burst of calls.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from control_plane.telemetry.histogram import Histogram
from control_plane.telemetry.points import Point

MAX_SERIES: Final = 100_000
MAX_SERIES_A_RESOURCE: Final = 4_000

Resource = tuple[str, str]
"""Service "namespace/name" and instance id."""

_Series = tuple[str, tuple[tuple[str, object], ...]]


@dataclass(slots=True)
class _Last:
    start: int
    value: float | Histogram


class TooManySeriesError(Exception):
    """A bound was reached: the point was dropped."""


class Deltas:
    """The last value of every series, by resource; the resource that was silent for longest goes first."""

    def __init__(self, started_unix_nano: int, limit: int = MAX_SERIES) -> None:
        self._started = started_unix_nano
        self._limit = limit
        self._resources: OrderedDict[Resource, dict[_Series, _Last]] = OrderedDict()
        self._size = 0

    def begin(self, resource: Resource) -> bool:
        """Note that a resource exports now; whether it had before."""
        known = resource in self._resources
        self._resources.setdefault(resource, {})
        self._resources.move_to_end(resource)
        return known

    def delta(self, resource: Resource, point: Point, *, known: bool) -> float | Histogram:
        """What the point adds. TooManySeriesError: it is of a series over the bounds."""
        if not point.cumulative:
            return point.value
        series = (point.name, tuple(sorted(point.attributes.items())))
        lasts = self._resources[resource]
        last = lasts.get(series)
        if last is None:
            self._make_room(resource, lasts)
            lasts[series] = _Last(point.start, point.value)
            self._size += 1
            return point.value if known or point.start >= self._started else _nothing(point.value)
        added = _since(point.value, last.value) if point.start == last.start else None
        last.start, last.value = point.start, point.value
        return point.value if added is None else added

    def forget(self, resource: Resource) -> None:
        """Leave a resource out, as when its instance has gone."""
        self._size -= len(self._resources.pop(resource, {}))

    def _make_room(self, resource: Resource, lasts: dict[_Series, _Last]) -> None:
        if len(lasts) >= MAX_SERIES_A_RESOURCE:
            raise TooManySeriesError
        while self._size >= self._limit:
            oldest = next(iter(self._resources))
            if oldest == resource:
                raise TooManySeriesError
            self.forget(oldest)


def _since(value: float | Histogram, last: float | Histogram) -> float | Histogram | None:
    if isinstance(value, Histogram) and isinstance(last, Histogram):
        return value.since(last)
    if isinstance(value, float) and isinstance(last, float) and value >= last:
        return value - last
    return None


def _nothing(value: float | Histogram) -> float | Histogram:
    return Histogram() if isinstance(value, Histogram) else 0.0
