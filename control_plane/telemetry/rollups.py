"""Calls over time in memory: by the second for 15 minutes, and by ten seconds, which is what goes to disk.

A window is put together from tens where whole tens fit and from seconds at its ends, so that a minute costs about
fifteen slots and not sixty.
"""

from collections.abc import Iterator
from typing import Final

from control_plane.telemetry.calls import CallKey, Calls, Slot, merge

MEMORY_SECONDS: Final = 900
TEN: Final = 10
MAX_CELLS: Final = 300_000
MAX_CELLS_A_SECOND: Final = 20_000


class Rollups:
    """The last quarter of an hour. Times are whole Unix seconds; the caller's clock says which second it is."""

    def __init__(self, now: int) -> None:
        self._seconds: dict[int, Slot] = {}
        self._tens: dict[int, Slot] = {}
        self._closed = now // TEN * TEN
        self._cells = 0
        self.began = now

    def cell(self, now: int, key: CallKey) -> Calls | None:
        """Where calls of this second and series are counted; None: there are too many series in it."""
        slot = self._seconds.setdefault(now, {})
        found = slot.get(key)
        if found is None:
            if len(slot) >= MAX_CELLS_A_SECOND:
                return None
            found = slot[key] = Calls()
            self._cells += 1
        return found

    def close(self, now: int) -> list[tuple[int, Slot]]:
        """The tens that ended since last asked, empty ones too, by when they began; forgets what is too old."""
        ended = []
        while self._closed + TEN <= now:
            start = self._closed
            slot = merge(self._slots(start, start + TEN))
            if slot:
                self._tens[start] = slot
            ended.append((start, slot))
            self._closed = max(start + TEN, (now - MEMORY_SECONDS) // TEN * TEN)
        self._forget(now - MEMORY_SECONDS)
        return ended

    def unfinished(self, end: int) -> tuple[int, Slot]:
        """The ten that has not ended yet, with when it began."""
        return self._closed, merge(self._slots(self._closed, end))

    def window(self, start: int, end: int) -> Slot:
        """Everything in [start, end)."""
        return merge(self._cover(start, end))

    def second(self, at: int) -> Slot:
        """What happened in one second."""
        return self._seconds.get(at, {})

    def _cover(self, start: int, end: int) -> Iterator[Slot]:
        at = start
        while at < end:
            if at % TEN == 0 and at + TEN <= min(end, self._closed):
                yield self._tens.get(at, {})
                at += TEN
            else:
                yield self._seconds.get(at, {})
                at += 1

    def _slots(self, start: int, end: int) -> Iterator[Slot]:
        return (self._seconds[at] for at in range(start, end) if at in self._seconds)

    def _forget(self, before: int) -> None:
        # Over the bound of memory, the past is forgotten sooner; what was closed is on disk.
        while self._seconds:
            oldest = next(iter(self._seconds))
            if oldest >= before and (self._cells <= MAX_CELLS or oldest >= self._closed):
                break
            self._cells -= len(self._seconds.pop(oldest))
        for start in [start for start in self._tens if start + TEN <= before]:
            del self._tens[start]
