"""What sidecars say of the present: breakers, endpoints, certificates. The newest values.

They go when the sidecar stops sending them: one by one while it goes on exporting, all when it falls silent.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from control_plane.telemetry.deltas import Resource
from protos import names
from protos.tulle.v1 import engine_pb2

SILENT_SECONDS: Final = 15.0
MISSED_EXPORTS: Final = 4
MAX_GAUGES_A_RESOURCE: Final = 20_000

ENDPOINT_GAUGES: Final = frozenset(
    {
        names.ENDPOINT_STATE,
        names.ENDPOINT_EJECTIONS,
        names.ENDPOINT_CONSECUTIVE_FAILURES,
        names.ENDPOINT_IN_FLIGHT,
        names.ENDPOINT_CONNECTIONS,
        names.ENDPOINT_EWMA,
        names.ENDPOINT_OPEN_REMAINING,
    }
)
KEPT: Final = ENDPOINT_GAUGES | {names.SERVICE_STATE, names.CERT_EXPIRY, names.CONFIG_REVISION}


class Subject(NamedTuple):
    """What a gauge is about; empty where it is about the sidecar itself."""

    target: str = ""
    cluster: str = ""
    endpoint: str = ""


@dataclass
class _Board:
    """What one sidecar said. `seen` and `exports` count its exports, `gap` is the time between the last two."""

    touched: float
    gap: float = 0.0
    exports: int = 0
    values: dict[Subject, dict[str, float]] = field(default_factory=dict)
    seen: dict[Subject, int] = field(default_factory=dict)
    states_before: dict[Subject, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class StateChange:
    """A caller's breaker of an endpoint opened, or closed again."""

    caller: str
    subject: Subject
    opened: bool
    consecutive_failures: int


class Gauges:
    """The newest values, by the sidecar that sent them."""

    def __init__(self, changed: Callable[[StateChange], None]) -> None:
        self._changed = changed
        self._boards: dict[Resource, _Board] = {}

    def set(self, resource: Resource, subject: Subject, name: str, value: float) -> bool:
        """Take a value; False: it was dropped, by a bound."""
        board = self._boards.setdefault(resource, _Board(0.0))
        if subject not in board.values and len(board.values) >= MAX_GAUGES_A_RESOURCE:
            return False
        values = board.values.setdefault(subject, {})
        if name == names.ENDPOINT_STATE and subject.endpoint:
            board.states_before[subject] = values.get(name)
        values[name] = value
        board.seen[subject] = board.exports
        return True

    def settle(self, resource: Resource, now: float) -> None:
        """The end of an export: tell what changed, forget what was not in the last few. `now` is monotonic seconds."""
        board = self._boards.get(resource)
        if board is None:
            return
        board.gap = now - board.touched if board.exports else 0.0
        board.touched = now
        board.exports += 1
        for subject, before in board.states_before.items():
            self._notice(resource[0], subject, before, board.values[subject])
        board.states_before.clear()
        for subject in [one for one, seen in board.seen.items() if board.exports - seen > MISSED_EXPORTS]:
            del board.values[subject], board.seen[subject]

    def expire(self, now: float) -> None:
        """Forget who has been silent for 15 s, or for three of its exports."""
        for resource, board in list(self._boards.items()):
            if now - board.touched > max(SILENT_SECONDS, 3 * board.gap):
                del self._boards[resource]

    def endpoints(self) -> Iterator[tuple[str, Subject, dict[str, float]]]:
        """Caller's service, endpoint, and the values of one sidecar."""
        for (caller, _), board in self._boards.items():
            for subject, values in board.values.items():
                if subject.endpoint:
                    yield caller, subject, values

    def services(self) -> Iterator[tuple[str, str, float]]:
        """Caller's service, called service, and the state of the breaker between them."""
        for (caller, _), board in self._boards.items():
            for subject, values in board.values.items():
                if not subject.endpoint and names.SERVICE_STATE in values:
                    yield caller, subject.target, values[names.SERVICE_STATE]

    def certificates(self) -> Iterator[tuple[str, float]]:
        """Service and when a certificate of its ends, in Unix seconds."""
        for (service, _), board in self._boards.items():
            expiry = board.values.get(Subject(), {}).get(names.CERT_EXPIRY)
            if expiry:
                yield service, expiry

    def _notice(self, caller: str, subject: Subject, before: float | None, values: dict[str, float]) -> None:
        after = values[names.ENDPOINT_STATE]
        closed = before in (None, engine_pb2.BREAKER_STATE_CLOSED)
        if closed and after == engine_pb2.BREAKER_STATE_OPEN:
            failures = int(values.get(names.ENDPOINT_CONSECUTIVE_FAILURES, 0))
            self._changed(StateChange(caller, subject, opened=True, consecutive_failures=failures))
        elif not closed and after == engine_pb2.BREAKER_STATE_CLOSED:
            self._changed(StateChange(caller, subject, opened=False, consecutive_failures=0))
