"""What the engine did by itself, in the log: one line an event, and a count of those that came too often."""

import logging
from typing import Final, Protocol

from protos.tulle.v1 import engine_pb2

log = logging.getLogger(__name__)

_CALL_ENDED: Final = engine_pb2.EVENT_KIND_CALL_ENDED
_WHAT: Final = {
    _CALL_ENDED: "call ended by this sidecar",
    engine_pb2.EVENT_KIND_CONNECTION_LOST: "connection lost",
    engine_pb2.EVENT_KIND_ENDPOINT_EJECTED: "endpoint ejected",
    engine_pb2.EVENT_KIND_ENDPOINT_RETURNED: "endpoint is back",
    engine_pb2.EVENT_KIND_SNAPSHOT_APPLIED: "snapshot in force",
    engine_pb2.EVENT_KIND_LIMIT: "limit exceeded",
    engine_pb2.EVENT_KIND_CONNECTION_REFUSED: "connection refused",
}
_AS_IT_SHOULD: Final = (engine_pb2.EVENT_KIND_ENDPOINT_RETURNED, engine_pb2.EVENT_KIND_SNAPSHOT_APPLIED)


class Eventful(Protocol):
    """The part of the engine that tells."""

    def drain_events(self) -> bytes: ...


class Read(Eventful, Protocol):
    """The part of the engine that tells and counts."""

    def drain_telemetry(self, *, spans: bool) -> tuple[bytes, int]: ...


class ToldOnReading:
    """The engine's counters, each reading of which logs its events first: they cost no wake-up of their own."""

    def __init__(self, engine: Read) -> None:
        self._engine = engine

    def drain_telemetry(self, *, spans: bool) -> tuple[bytes, int]:
        """The engine's own."""
        log_events(self._engine)
        return self._engine.drain_telemetry(spans=spans)


def log_events(engine: Eventful) -> None:
    """Log what came since the last time. For a thread: it waits for a lock."""
    serialized = engine.drain_events()
    if not serialized:
        return
    events = engine_pb2.EngineEvents.FromString(serialized)
    for event in events.events:
        log.log(_level(event), "%s", line(event))
    for left_out in events.left_out:
        log.warning("%s: %d more like these are left out", left_out.reason or "other", left_out.count)


def line(event: engine_pb2.EngineEvent) -> str:
    """ "call ended by this sidecar: shop.v1.Payments/Charge shop/payments deadline (DEADLINE_EXCEEDED): …"."""
    what = _WHAT.get(event.kind, f"event {event.kind}")
    words = [event.method, event.peer, event.reason, _status(event), "(the mesh's fault)" if event.mesh_fault else ""]
    told = " ".join(word for word in words if word)
    return _one_line(": ".join(part for part in (what, told, event.text) if part))


def _status(event: engine_pb2.EngineEvent) -> str:
    from grpc import StatusCode

    if event.kind != _CALL_ENDED:
        return ""
    names = {code.value[0]: code.name for code in StatusCode}
    return str(names.get(event.grpc_status, event.grpc_status))


def _level(event: engine_pb2.EngineEvent) -> int:
    if event.mesh_fault:
        return logging.ERROR
    return logging.INFO if event.kind in _AS_IT_SHOULD else logging.WARNING


def _one_line(text: str) -> str:
    """What comes from a peer must not write lines of its own into the log, nor move a terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
