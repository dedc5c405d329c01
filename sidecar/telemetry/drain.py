"""Reading the engine: what it counted, and its spans where someone is about to send them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from protos.tulle.v1 import engine_pb2
from sidecar.telemetry.series import Reading


class Counting(Protocol):
    """The part of the engine that counts."""

    def drain_telemetry(self, *, spans: bool) -> tuple[bytes, int]: ...


@dataclass(frozen=True, slots=True)
class Drained:
    """A serialized Telemetry, and what the agent knows beside it: it is parsed where someone looks into it alone.

    `spans`: how many are in it, or, of counters alone, how many wait in the engine. `certificate_not_after` in seconds
    since the epoch, 0 without.
    """

    telemetry: bytes
    spans: int
    service: str
    certificate_not_after: int

    def parsed(self) -> Reading:
        """What it says."""
        telemetry = engine_pb2.Telemetry.FromString(self.telemetry)
        return Reading(telemetry, self.service, self.certificate_not_after)


class Drain:
    """The engine of one sidecar. Both verbs may wait for a lock: they are for threads."""

    def __init__(self, engine: Counting, service: str, certificate_not_after: Callable[[], int]) -> None:
        self._engine = engine
        self._service = service
        self._certificate_not_after = certificate_not_after

    def counters(self) -> Drained:
        """The counters now; spans wait on for `everything`."""
        return self._read(spans=False)

    def everything(self) -> Drained:
        """The counters now, and the spans, which are handed over once."""
        return self._read(spans=True)

    def _read(self, *, spans: bool) -> Drained:
        telemetry, number = self._engine.drain_telemetry(spans=spans)
        return Drained(telemetry, number, self._service, self._certificate_not_after())
