"""Choreography: a service that lives by the orders' events follows them on a bidirectional stream,
and comes back when it ends.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import grpc.aio

from demo.shop.v1 import orders_pb2 as pb
from demo.shop.v1 import orders_pb2_grpc as rpc

COME_BACK_SECONDS = 0.5


class Follower:
    """Hands each event to `on_event` once it is there, then confirms it; events may come again after a break."""

    def __init__(self, name: str, target: str, on_event: Callable[[pb.OrderEvent], None]) -> None:
        self._name = name
        self._channel = grpc.aio.insecure_channel(target)
        self._on_event = on_event
        self._position = 0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> Callable[[], Awaitable[None]]:
        """Follow in the background; await what is returned to stop."""
        self._task = asyncio.create_task(self._follow_for_ever())
        return self._stop

    async def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self._channel.close()

    async def _follow_for_ever(self) -> None:
        while True:
            # Orders being away for a while is no event for its followers: they come back.
            with suppress(grpc.aio.AioRpcError):
                await self._follow_once()
            await asyncio.sleep(COME_BACK_SECONDS)

    async def _follow_once(self) -> None:
        confirmations: asyncio.Queue[pb.FollowRequest | None] = asyncio.Queue()
        confirmations.put_nowait(pb.FollowRequest(follower=self._name, position=self._position))
        stub: rpc.OrdersAsyncStub = rpc.OrdersStub(self._channel)
        try:
            async for event in stub.Follow(_drain(confirmations)):
                self._on_event(event)
                self._position = event.position
                confirmations.put_nowait(pb.FollowRequest(follower=self._name, position=event.position))
        finally:
            confirmations.put_nowait(None)  # else grpcio's sender would wait for more for ever


async def _drain(queue: asyncio.Queue[pb.FollowRequest | None]) -> AsyncIterator[pb.FollowRequest]:
    while (request := await queue.get()) is not None:
        yield request
