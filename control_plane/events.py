"""What rooms tell the operator: the port that the telemetry room's event log fills."""

from typing import Literal, Protocol

EventKind = Literal["apply", "nack", "ejected", "restored", "joined", "left", "health"]


class EventSink(Protocol):
    """Takes an event and returns at once; never raises."""

    def record(self, kind: EventKind, subject: str, message: str) -> None:
        """`subject`: "shop/payments", an instance, a revision. `message`: one line."""
        ...
