"""Discovery's gRPC face (protos/tulle/v1/discovery.proto)."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import AbstractContextManager, aclosing
from typing import Any, Final, Protocol, TypeVar

import grpc
from typing_extensions import override

from control_plane.caller import CallerOf, workload_of
from control_plane.clock import Clock
from control_plane.discovery.acks import Proxies, Proxy
from control_plane.discovery.cell import Cell
from control_plane.errors import InvalidError
from control_plane.registry.instances import check_instance_id
from control_plane.stopping import Stopping
from control_plane.workload import WorkloadRef
from protos.tulle.v1 import discovery_pb2, discovery_pb2_grpc

ANSWER_SECONDS: Final = 5.0
"""How long a newer snapshot waits for the answer to the one before."""

Context = grpc.aio.ServicerContext[Any, Any]
T = TypeVar("T")


class Subscriptions(Protocol):
    """What the service asks of `control_plane.discovery.snapshots.Snapshots`."""

    def subscribed(self, ref: WorkloadRef) -> AbstractContextManager[Cell]: ...


class NoHelloError(InvalidError):
    """A watch that does not begin with who is there."""


class DiscoveryService(discovery_pb2_grpc.DiscoveryServicer):
    """A stream for each sidecar, and the list of them for operators."""

    def __init__(
        self, snapshots: Subscriptions, proxies: Proxies, caller: CallerOf, clock: Clock, stopping: Stopping
    ) -> None:
        self._snapshots = snapshots
        self._proxies = proxies
        self._caller = caller
        self._clock = clock
        self._stopping = stopping

    @override
    async def Watch(
        self, request_iterator: AsyncIterator[discovery_pb2.WatchRequest], context: Context
    ) -> AsyncIterator[discovery_pb2.WatchResponse]:
        ref = workload_of(self._caller(context))
        requests = self._stopping.until(request_iterator)
        hello = await _hello(requests)
        with self._snapshots.subscribed(ref) as cell, self._proxies.connected(ref, hello, cell) as proxy:
            reader = asyncio.create_task(self._read(requests, proxy))
            try:
                async with aclosing(self._push(cell, proxy, reader)) as responses:
                    async for response in responses:
                        yield response
                await reader
            finally:
                reader.cancel()

    @override
    async def ListProxies(
        self, request: discovery_pb2.ListProxiesRequest, context: Context
    ) -> discovery_pb2.ListProxiesResponse:
        return discovery_pb2.ListProxiesResponse(proxies=self._proxies.listed())

    async def _push(
        self, cell: Cell, proxy: Proxy, reader: asyncio.Task[None]
    ) -> AsyncGenerator[discovery_pb2.WatchResponse, None]:
        """One snapshot at a time: while its answer is awaited newer ones replace one another in the cell."""
        revision = 0
        while (snapshot := await _unless(reader, cell.newer(revision))) is not None:
            revision = snapshot.revision
            proxy.sent(revision)
            yield discovery_pb2.WatchResponse(snapshot=snapshot)
            await _unless(reader, self._answered(proxy))

    async def _answered(self, proxy: Proxy) -> None:
        answer = asyncio.ensure_future(proxy.answered())
        patience = asyncio.ensure_future(self._clock.sleep(ANSWER_SECONDS))
        try:
            await asyncio.wait({answer, patience}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            answer.cancel()
            patience.cancel()

    async def _read(self, requests: AsyncIterator[discovery_pb2.WatchRequest], proxy: Proxy) -> None:
        async for request in requests:
            self._proxies.answer(proxy, request)


async def _hello(requests: AsyncIterator[discovery_pb2.WatchRequest]) -> discovery_pb2.Hello:
    first = await anext(requests, None)
    if first is None or first.WhichOneof("message") != "hello":
        raise NoHelloError("a watch begins with hello", hint="send Hello with instance, version and revision")
    check_instance_id("hello.instance", first.hello.instance)
    return first.hello


async def _unless(reader: asyncio.Task[None], wanted: Coroutine[Any, Any, T]) -> T | None:
    """What `wanted` gives; None when the sidecar's side of the stream ends first."""
    task = asyncio.ensure_future(wanted)
    try:
        await asyncio.wait({reader, task}, return_when=asyncio.FIRST_COMPLETED)
        return None if reader.done() else task.result()
    finally:
        task.cancel()
