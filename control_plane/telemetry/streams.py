"""A stream's duration is how long it lived, no latency: it stays out of quantiles over several methods."""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import replace
from typing import TypeAlias

from control_plane.telemetry.calls import CallKey, Calls
from control_plane.telemetry.histogram import Histogram

Streams: TypeAlias = Mapping[str, Set[str]]
"""Methods ("package.Service/Method") that a Service document calls streaming, by service "namespace/name"."""


def timed(rows: Iterable[tuple[CallKey, Calls]], streams: Streams) -> Iterator[tuple[CallKey, Calls]]:
    """The same rows, streams counted but not timed. What a document does not know is taken for unary."""
    for key, calls in rows:
        lives = key.method in streams.get(key.target, ())
        yield key, replace(calls, durations=Histogram()) if lives else calls
