"""A step of a chart: which calls belong to it, and how their latencies are spread."""

from collections.abc import Iterable
from typing import Final

from control_plane.telemetry.calls import Slot
from control_plane.telemetry.histogram import Histogram
from control_plane.telemetry.views import Row, select
from protos.tulle.v1 import telemetry_pb2

BOUNDS_MS: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0, 10_000.0)
_BOUNDS: Final = tuple(bound / 1000 for bound in BOUNDS_MS)


def points(slot: Slot, request: telemetry_pb2.SeriesRequest) -> list[Row]:
    """The calls that the request asks for."""
    return list(select(slot, request.service, request.source, request.method))


def heat(rows: Iterable[Row]) -> telemetry_pb2.HeatColumn:
    """Counts between the bounds, one more than there are bounds."""
    total = Histogram()
    for _, calls in rows:
        total.add(calls.durations)
    return telemetry_pb2.HeatColumn(counts=total.spread(_BOUNDS))
