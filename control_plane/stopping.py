"""The end of the process as streams see it: each ends with UNAVAILABLE, so that sidecars look for another replica."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from typing import TypeVar

from control_plane.errors import StoppingError

T = TypeVar("T")


class Stopping:
    """Set once; whatever waits through it is woken by StoppingError."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        self._event.set()

    async def unless(self, wanted: Awaitable[T]) -> T:
        """What `wanted` gives, or StoppingError if the process stops first."""
        task = asyncio.ensure_future(wanted)
        stop = asyncio.ensure_future(self._event.wait())
        try:
            await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise StoppingError("the control plane is stopping", hint="try again")
        finally:
            stop.cancel()
            task.cancel()

    async def until(self, items: AsyncIterator[T]) -> AsyncGenerator[T, None]:
        """The items, ended by StoppingError when the process stops."""
        while True:
            try:
                item = await self.unless(anext(items))
            except StopAsyncIteration:
                return
            yield item
