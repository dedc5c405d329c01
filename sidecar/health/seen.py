"""What one question to the application showed."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Protocol


class State(Enum):
    """What it means for the verdict."""

    WELL = auto()
    BUSY = auto()  # it lives and has no time to answer: nothing changes
    FAILING = auto()
    FOREIGN = auto()  # failing in a way that no waiting mends: another protocol is spoken there


@dataclass(frozen=True, slots=True)
class Seen:
    """`reason` is one line for the operator, "" where it is well."""

    state: State
    reason: str = ""


WELL: Final = Seen(State.WELL)


def failing(reason: str) -> Seen:
    """It did not answer, or it says itself that it does not serve."""
    return Seen(State.FAILING, reason)


class Check(Protocol):
    """One question to the application."""

    async def __call__(self) -> Seen: ...

    async def close(self) -> None:
        """Let go of what was kept open."""
        ...
