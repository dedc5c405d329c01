"""What happened since the last export: cumulative series to deltas, resets and restarts included.

A reset (a new start time, or a value that shrank) begins from nothing. A resource never seen before whose series began
before this process did has been counted by the one before: its first values are the base, not a burst of calls.
"""

from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from typing import Final

from control_plane.errors import ExhaustedError
from control_plane.telemetry.histogram import Histogram
from control_plane.telemetry.points import Point

MAX_SERIES: Final = 100_000
MAX_SERIES_A_RESOURCE: Final = 4_000
MAX_INSTANCES: Final = 500
IDLE_SECONDS: Final = 600.0

Resource = tuple[str, str]
"""Service "namespace/name" and instance id."""

_Series = tuple[str, tuple[tuple[str, object], ...]]


@dataclass(slots=True)
class _Last:
    start: int
    value: float | Histogram


@dataclass(slots=True)
class _Sender:
    touched: float
    lasts: dict[_Series, _Last] = field(default_factory=dict)


class TooManySeriesError(Exception):
    """A bound was reached: the point was dropped."""


class TooManyInstancesError(ExhaustedError):
    """A service exports under more instance ids than it can have."""


class Deltas:
    """The last value of every series, by resource; the resource that was silent for longest goes first."""

    def __init__(self, started_unix_nano: int, limit: int = MAX_SERIES) -> None:
        self._started = started_unix_nano
        self._limit = limit
        self._senders: OrderedDict[Resource, _Sender] = OrderedDict()
        self._instances: Counter[str] = Counter()
        self._size = 0

    def begin(self, resource: Resource, now: float) -> bool:
        """Note that a resource exports now (monotonic seconds); whether it had before. TooManyInstancesError."""
        self._expire(now)
        known = resource in self._senders
        if not known:
            self._admit(resource, now)
        self._senders[resource].touched = now
        self._senders.move_to_end(resource)
        return known

    def delta(self, resource: Resource, point: Point, *, known: bool) -> float | Histogram:
        """What the point adds. TooManySeriesError: it is of a series over the bounds."""
        if not point.cumulative:
            return point.value
        series = (point.name, tuple(sorted(point.attributes.items())))
        lasts = self._senders[resource].lasts
        last = lasts.get(series)
        if last is None:
            self._make_room(resource, lasts)
            lasts[series] = _Last(point.start, point.value)
            self._size += 1
            return point.value if known or point.start >= self._started else _nothing(point.value)
        added = _since(point.value, last.value) if point.start == last.start else None
        last.start, last.value = point.start, point.value
        return point.value if added is None else added

    def _admit(self, resource: Resource, now: float) -> None:
        # Instance ids are the sender's own word: unbounded, one workload could push all others out.
        if self._instances[resource[0]] >= MAX_INSTANCES:
            raise TooManyInstancesError(
                f"{resource[0]} exports under over {MAX_INSTANCES} instance ids",
                hint="keep service.instance.id the same while a process lives",
            )
        self._senders[resource] = _Sender(now)
        self._instances[resource[0]] += 1

    def _expire(self, now: float) -> None:
        while self._senders:
            resource, sender = next(iter(self._senders.items()))
            if now - sender.touched <= IDLE_SECONDS:
                break
            self._forget(resource)

    def _forget(self, resource: Resource) -> None:
        self._size -= len(self._senders.pop(resource).lasts)
        self._instances[resource[0]] -= 1

    def _make_room(self, resource: Resource, lasts: dict[_Series, _Last]) -> None:
        if len(lasts) >= MAX_SERIES_A_RESOURCE:
            raise TooManySeriesError
        while self._size >= self._limit:
            oldest = next(iter(self._senders))
            if oldest == resource:
                raise TooManySeriesError
            self._forget(oldest)


def _since(value: float | Histogram, last: float | Histogram) -> float | Histogram | None:
    if isinstance(value, Histogram) and isinstance(last, Histogram):
        return value.since(last)
    if isinstance(value, float) and isinstance(last, float) and value >= last:
        return value - last
    return None


def _nothing(value: float | Histogram) -> float | Histogram:
    return Histogram() if isinstance(value, Histogram) else 0.0
