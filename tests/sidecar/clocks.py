"""A clock that a test moves by hand."""

import asyncio


class ManualClock:
    """`sleep` ends when the test lets it; `slept` tells how long each was to be."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self._now = now
        self._wakers: asyncio.Queue[tuple[float, asyncio.Event]] = asyncio.Queue()

    def now(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        waker = asyncio.Event()
        self._wakers.put_nowait((seconds, waker))
        await waker.wait()

    async def wake(self) -> float:
        """Let the next sleeper go on, as if its time had passed; returns how long it wanted to sleep."""
        seconds, waker = await self._wakers.get()
        self._now += max(0.0, seconds)
        waker.set()
        return seconds
