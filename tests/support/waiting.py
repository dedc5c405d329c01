"""Waiting for a condition with a deadline, never for luck."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
STEP = 0.05


def until(condition: Callable[[], T], what: str, limit: float = 20.0) -> T:
    """The first true value of `condition`. AssertionError naming `what` when the limit (seconds) passes."""
    deadline = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {limit:g} s, last seen {value!r}")
        time.sleep(STEP)
