"""Keeping a stream to the control plane open: again at once on a new channel, after a pause when it failed."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import Final

import grpc

from sidecar.backoff import Backoff
from sidecar.clock import Clock
from sidecar.link import Link
from sidecar.telling import Telling

log = logging.getLogger(__name__)

# Trying again mends none of these by itself: what was sent, or who sent it, is refused.
_REFUSALS: Final = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.UNIMPLEMENTED,
    }
)

# Told when the stream has proved to work, so that the next failure is the first in a row again.
Proved = Callable[[], None]
Session = Callable[[grpc.aio.Channel, Proved], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a stream ended."""

    text: str
    refused: bool = False


class KeptOpen:
    """Runs `session` for ever. `connected` tells whether the last one worked, as readiness and /describe show it."""

    def __init__(self, name: str, link: Link, backoff: Backoff, clock: Clock, random: Random) -> None:
        self._name = name
        self._link = link
        self._backoff = backoff
        self._clock = clock
        self._random = random
        self._failures = 0
        self._telling = Telling()
        self.connected = False

    async def run(self, session: Session) -> None:
        """Until cancelled."""
        while True:
            channel = self._link.channel
            failure = await self._once(session, channel)
            self.connected = False
            if failure is not None:
                await self._pause(failure)

    async def _once(self, session: Session, channel: grpc.aio.Channel) -> Failure | None:
        running = asyncio.ensure_future(session(channel, self._proved))
        moved = asyncio.ensure_future(self._link.changed(channel))
        try:
            await asyncio.wait({running, moved}, return_when=asyncio.FIRST_COMPLETED)
            if not running.done():
                return None
            await running
        except grpc.aio.AioRpcError as error:
            return Failure(f"{error.code().name}: {error.details()}", error.code() in _REFUSALS)
        finally:
            for task in (running, moved):
                task.cancel()
            await asyncio.gather(running, moved, return_exceptions=True)
        return Failure("the control plane ended the stream")

    def _proved(self) -> None:
        if self._failures:
            log.info("%s: the control plane answers again", self._name)
        self._failures = 0
        self._telling.forget()
        self.connected = True

    async def _pause(self, failure: Failure) -> None:
        self._failures += 1
        self._say(failure)
        await self._clock.sleep(self._backoff.delay(self._failures, self._random))

    def _say(self, failure: Failure) -> None:
        """A loss is said once: what is in force stays in force meanwhile. A refusal needs someone, and is repeated."""
        at = self._link.address
        if failure.refused:
            if self._telling.due(failure.text, self._clock.now()):
                log.error(
                    "%s: the control plane at %s refuses: %s; it stays so until that is mended",
                    self._name,
                    at,
                    failure.text,
                )
        elif self._failures == 1:
            log.warning("%s: lost the control plane at %s: %s; trying again", self._name, at, failure.text)
