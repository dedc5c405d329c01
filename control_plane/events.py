"""What rooms tell the operator: the port that the telemetry room's event log fills."""

import logging
from typing import Literal, Protocol

log = logging.getLogger(__name__)

EventKind = Literal["apply", "nack", "ejected", "restored", "joined", "left", "health"]


class EventSink(Protocol):
    """Takes an event and returns at once; never raises."""

    def record(self, kind: EventKind, subject: str, message: str) -> None:
        """`subject`: "shop/payments", an instance, a revision. `message`: one line."""
        ...


class LoggedEvents:
    """Writes events to the log and hands them on."""

    def __init__(self, *others: EventSink) -> None:
        self._others = others

    def record(self, kind: EventKind, subject: str, message: str) -> None:
        log.info("%s %s: %s", kind, subject, message)
        for other in self._others:
            other.record(kind, subject, message)
