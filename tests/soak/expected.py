"""Which endings a call may have: those that it asked for itself, and those that a fault in force explains."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc

SETTLING = 3.0  # seconds after a fault in which it still explains

Ending = tuple[grpc.StatusCode, str | None]
"""A status, and the `tulle-reason` where the mesh made it."""


def by_mesh(code: grpc.StatusCode, *reasons: str) -> frozenset[Ending]:
    return frozenset((code, reason) for reason in reasons)


@dataclass(frozen=True)
class Explanation:
    """A fault and the time in which it explains endings; `ends` is infinite while it is in force."""

    fault: str
    endings: frozenset[Ending]
    begins: float
    ends: float


@dataclass(frozen=True)
class Made:
    """One call as it ended. Times are monotonic seconds."""

    kind: str
    ending: Ending
    own: frozenset[Ending]
    begun: float
    ended: float
    details: str
    is_whole: bool
    """Every byte that came is the one that was sent."""


@dataclass
class Ledger:
    """Every call and every fault; counts by kind and ending, and what nothing explains."""

    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    unexplained: list[str] = field(default_factory=list)
    _explanations: list[Explanation] = field(default_factory=list)
    _pending: list[Made] = field(default_factory=list)

    def add(self, made: Made) -> None:
        """Count a call; list.append and dict updates of one key are atomic enough: a lane has keys of its own."""
        self._pending.append(made)

    @contextmanager
    def explaining(self, fault: str, endings: frozenset[Ending]) -> Iterator[None]:
        """While this lasts, and a little longer, these endings are explained."""
        begins, place = time.monotonic(), len(self._explanations)
        self._explanations.append(Explanation(fault, endings, begins, float("inf")))
        try:
            yield
        finally:
            self._explanations[place] = Explanation(fault, endings, begins, time.monotonic() + SETTLING)

    def settle(self) -> None:
        """Judge what has been added; to be called by one thread."""
        judged, self._pending = self._pending, []
        for made in judged:
            code, reason = made.ending
            why = self._why(made)
            key = (made.kind, f"{code.name} {reason or ''}".strip() + (f" ({why})" if why else ""))
            self.counts[key] = self.counts.get(key, 0) + 1
            if why is None:
                whole = "" if made.is_whole else ", bytes differ"
                when = (
                    f"begun {time.monotonic() - made.begun:.2f} s and ended {time.monotonic() - made.ended:.2f} s ago"
                )
                self.unexplained.append(f"{made.kind}: {code.name} {reason}{whole}: {made.details[:200]} ({when})")

    def _why(self, made: Made) -> str | None:
        """ "" for an ending of its own, the fault's name, or None."""
        if not made.is_whole:
            return None
        if made.ending in made.own:
            return ""
        overlapping = (one for one in self._explanations if one.begins <= made.ended and made.begun <= one.ends)
        return next((one.fault for one in overlapping if made.ending in one.endings), None)
