"""Calls as they are counted: who called what with which outcome, how often and how long."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from control_plane.telemetry.histogram import Histogram
from protos.tulle.v1 import telemetry_pb2

OUTBOUND: Final = "outbound"
INBOUND: Final = "inbound"
EXTERNAL: Final = "external"

# Who is at fault (design: dashboard, "Health"); every other code but OK is the caller's own.
FAULTS: Final = frozenset({"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"})


class CallKey(NamedTuple):
    """A series. `direction` says who counted: the caller's sidecar (outbound) or the called one's (inbound)."""

    direction: str
    source: str
    target: str
    cluster: str
    method: str
    status: str
    reason: str
    mtls: bool


@dataclass(slots=True)
class Calls:
    """What happened in some time."""

    count: int = 0
    durations: Histogram = field(default_factory=Histogram)
    request_bytes: int = 0
    response_bytes: int = 0
    retries: int = 0

    def add(self, other: "Calls") -> None:
        """Merge."""
        self.count += other.count
        self.durations.add(other.durations)
        self.request_bytes += other.request_bytes
        self.response_bytes += other.response_bytes
        self.retries += other.retries


Slot = dict[CallKey, Calls]
"""Everything that happened in one step of time."""


def merge(slots: Iterable[Slot]) -> Slot:
    """The sum of slots, none of which is changed."""
    total: Slot = {}
    for slot in slots:
        for key, calls in slot.items():
            known = total.get(key)
            if known is None:
                known = total[key] = Calls()
            known.add(calls)
    return total


def golden(rows: Iterable[tuple[CallKey, Calls]], seconds: float) -> telemetry_pb2.Golden:
    """Golden metrics of rows that together took `seconds`, over 0."""
    total, faults, client_errors = Calls(), 0, 0
    for key, calls in rows:
        total.add(calls)
        if key.status in FAULTS:
            faults += calls.count
        elif key.status != "OK":
            client_errors += calls.count
    return telemetry_pb2.Golden(
        rate=total.count / seconds,
        calls=total.count,
        faults=faults,
        client_errors=client_errors,
        p50_ms=1000 * total.durations.quantile(0.5),
        p95_ms=1000 * total.durations.quantile(0.95),
        p99_ms=1000 * total.durations.quantile(0.99),
        request_bytes_rate=total.request_bytes / seconds,
        response_bytes_rate=total.response_bytes / seconds,
        retries=total.retries,
    )
