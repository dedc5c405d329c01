"""What happened in the mesh, newest first: bounded in memory, kept on disk."""

import logging
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from control_plane.clock import Clock
from control_plane.events import EventKind

KEPT: Final = 5_000
LONGEST: Final = 500
LISTED: Final = 100

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the log."""

    time_unix_ms: int
    kind: str
    subject: str
    message: str


class EventLog:
    """A `control_plane.events.EventSink`. Events wait in memory until `unsaved` hands them to the archive."""

    def __init__(self, clock: Clock, saved: Iterable[Event] = ()) -> None:
        self._clock = clock
        self._events = deque(saved, maxlen=KEPT)
        self._unsaved: deque[Event] = deque(maxlen=KEPT)

    def record(self, kind: EventKind, subject: str, message: str) -> None:
        """Takes an event and returns at once; never raises. Over 500 characters are cut."""
        event = Event(int(self._clock.now().timestamp() * 1000), kind, subject[:LONGEST], message[:LONGEST])
        self._events.append(event)
        self._unsaved.append(event)
        log.info("%s %s: %s", event.kind, event.subject, event.message)

    def list(self, since_unix_ms: int, limit: int) -> list[Event]:
        """Newest first; `limit` 0: 100."""
        wanted = limit or LISTED
        found: list[Event] = []
        for event in reversed(self._events):
            if event.time_unix_ms < since_unix_ms or len(found) >= wanted:
                break
            found.append(event)
        return found

    def unsaved(self) -> tuple[Event, ...]:
        """Each event once, in order."""
        events = tuple(self._unsaved)
        self._unsaved.clear()
        return events
