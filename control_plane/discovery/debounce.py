"""Many changes, one push: wait for quiet, but never long."""

import asyncio
from typing import Final

from control_plane.clock import Clock

QUIET_SECONDS: Final = 0.1
LONGEST_SECONDS: Final = 1.0


class Debounce:
    """Idle => Waiting on `mark`; Waiting => Idle after 100 ms without a mark, or 1 s after the first one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._marked = asyncio.Event()

    def mark(self) -> None:
        self._marked.set()

    async def settled(self) -> None:
        """Return once, for any number of marks, when they have settled."""
        await self._marked.wait()
        ends = self._clock.monotonic() + LONGEST_SECONDS
        while self._marked.is_set() and self._clock.monotonic() < ends:
            self._marked.clear()
            await self._clock.sleep(min(QUIET_SECONDS, ends - self._clock.monotonic()))
        self._marked.clear()
