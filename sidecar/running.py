"""Running things beside one another: a task that fails starts again, a stop ends them all."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from typing import Any, Final, TypeVar

from sidecar.clock import Clock

log = logging.getLogger(__name__)

_RESTART_SECONDS: Final = 1.0

T = TypeVar("T")


async def kept_running(tasks: Mapping[str, Callable[[], Awaitable[None]]], clock: Clock, stack: AsyncExitStack) -> None:
    """Run each of `tasks` until `stack` is left; one that fails is logged and starts again."""
    running = [asyncio.create_task(_again_and_again(name, run, clock), name=name) for name, run in tasks.items()]
    stack.push_async_callback(_cancelled, running)


async def either(first: asyncio.Event, second: asyncio.Event) -> None:
    """Return when one of the two is set."""
    waits = [asyncio.create_task(event.wait()) for event in (first, second)]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _cancelled(waits)


async def unless_stopped(work: Coroutine[Any, Any, T], stop: asyncio.Event) -> T | None:
    """What `work` returns, or None where `stop` came first and `work` was cancelled."""
    working, stopped = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
        return await working if working.done() else None
    finally:
        await _cancelled([working, stopped])


async def _again_and_again(name: str, run: Callable[[], Awaitable[None]], clock: Clock) -> None:
    while True:
        try:
            await run()
        except Exception:
            # The engine goes on with what is in force; one part's fault must not take the others along.
            log.exception("%s failed and starts again", name)
        await clock.sleep(_RESTART_SECONDS)


async def _cancelled(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
