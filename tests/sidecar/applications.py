"""Applications of every kind to be asked after their health: real gRPC servers, and sockets that answer anything."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc

from sidecar.address import HostPort

Context = grpc.aio.ServicerContext[Any, Any]
Answer = Callable[[bytes, Context], Awaitable[bytes]]

SERVING, NOT_SERVING = b"\x08\x01", b"\x08\x02"  # HealthCheckResponse.status


@dataclass
class Asked:
    """An application whose answer to a health check a test sets, and what it was asked."""

    answer: Answer
    at: HostPort
    peers: list[str]
    requests: list[bytes]
    metadata: list[dict[str, str]]


async def says(message: bytes, context: Context) -> bytes:
    """SERVING."""
    return SERVING


def always(message: bytes) -> Answer:
    async def answer(_: bytes, context: Context) -> bytes:
        return message

    return answer


def ending(code: grpc.StatusCode) -> Answer:
    async def answer(_: bytes, context: Context) -> bytes:
        await context.abort(code, "so says the application")
        raise AssertionError

    return answer


@asynccontextmanager
async def application(answer: Answer = says, at: str = "127.0.0.1:0") -> AsyncIterator[Asked]:
    """A gRPC server whose health is what `answer` says."""
    asked = Asked(answer, HostPort("127.0.0.1", 0), [], [], [])

    async def check(message: bytes, context: Context) -> bytes:
        asked.peers.append(context.peer())
        asked.requests.append(message)
        asked.metadata.append({name: str(value) for name, value in context.invocation_metadata() or ()})
        return await asked.answer(message, context)

    server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
    handler: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {"Check": grpc.unary_unary_rpc_method_handler(check)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("grpc.health.v1.Health", handler),))
    host = HostPort.parse(at).host
    asked.at = HostPort(host, server.add_insecure_port(at))
    await server.start()
    try:
        yield asked
    finally:
        await server.stop(None)


@asynccontextmanager
async def answering(first: bytes, host: str = "127.0.0.1") -> AsyncIterator[tuple[HostPort, list[bytes]]]:
    """A socket that takes what comes, answers `first` and hangs up; with what each connection began with."""
    began: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        began.append(await reader.read(65_536))
        writer.write(first)
        writer.close()

    server = await asyncio.start_server(serve, host, 0)
    try:
        yield HostPort(host, server.sockets[0].getsockname()[1]), began
    finally:
        server.close()
        await server.wait_closed()
