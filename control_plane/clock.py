"""Time as an argument: what a room asks of a clock, and the one that the operating system gives."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What leases, certificates, tokens and debouncing know of time."""

    def now(self) -> datetime:
        """The wall clock, in UTC: for what is shown, stored or signed."""
        ...

    def monotonic(self) -> float:
        """Seconds since some fixed point, never going back: for what is waited for."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return when `seconds` of this clock have passed."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
