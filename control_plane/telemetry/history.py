"""Calls over time, from memory while it reaches, else from the coarsest roll-up that is fine enough."""

from dataclasses import dataclass
from typing import Final

from control_plane.errors import InvalidError
from control_plane.telemetry.archive import Archive
from control_plane.telemetry.calls import Slot, merge
from control_plane.telemetry.rollups import MEMORY_SECONDS, Rollups
from control_plane.telemetry.tables import RETENTION

MAX_POINTS: Final = 3_600


class InvalidRangeError(InvalidError):
    """A stretch of time that is empty, or too finely cut."""


@dataclass(frozen=True)
class Step:
    """A point of a chart: when it begins, how long it is, and what happened in it."""

    start: int
    seconds: float
    calls: Slot


@dataclass(frozen=True)
class Range:
    """[start, end) in steps, all whole Unix seconds."""

    start: int
    end: int
    step: int

    def __post_init__(self) -> None:
        if self.start < 0:
            raise InvalidRangeError("from_unix_ms is before 1970", hint="use milliseconds since then")
        if self.end <= self.start:
            raise InvalidRangeError("the range ends before it begins", hint="make to_unix_ms the later")
        if (self.end - self.start) / self.step > MAX_POINTS:
            cause = f"{(self.end - self.start) // self.step} points are over the maximum of {MAX_POINTS}"
            raise InvalidRangeError(cause, hint="use a longer step_ms or a shorter range")


class CallHistory:
    """Reads the two stores as one."""

    def __init__(self, rollups: Rollups, archive: Archive) -> None:
        self._rollups = rollups
        self._archive = archive

    async def read(self, asked: Range, now: int, target: str) -> list[Step]:
        """The steps of the range, coarser than asked where nothing finer is kept; `target` "" for all."""
        if asked.start >= now - MEMORY_SECONDS:
            return [
                Step(at, min(asked.step, asked.end - at), self._rollups.window(at, min(at + asked.step, asked.end)))
                for at in range(asked.start, asked.end, asked.step)
            ]
        kept = self._kept_step(asked, now)
        step = max(asked.step, kept) // kept * kept
        first = asked.start // step * step
        slots = await self._archive.run(self._archive.tables.read_slots, kept, first, asked.end, target)
        return [
            Step(at, step, merge(slots[one] for one in range(at, at + step, kept) if one in slots))
            for at in range(first, asked.end, step)
        ]

    def _kept_step(self, asked: Range, now: int) -> int:
        reaching = [step for step, seconds in RETENTION.items() if asked.start >= now - seconds] or [max(RETENTION)]
        return max((step for step in reaching if step <= asked.step), default=min(reaching))
