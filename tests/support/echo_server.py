"""A gRPC application that does what its caller's metadata asks: the far end of every end-to-end test.

`python -m tests.support.echo_server --port P --record FILE --instance NAME`. Messages are bytes, so that a test can
compare every byte. Metadata understood (all optional):

- `x-call-id`: written to the record, one line a call that reached the application.
- `x-status`, `x-message-bin` (UTF-8), `x-details-bin`: the final status, after the replies.
- `x-replies`: how many messages a server stream sends (default: one for each received).
- `x-wait-ms`: time before the first reply.
- `x-initial-…`, `x-trailing-…`: sent back as initial and trailing metadata, `-bin` untouched.
"""

import argparse
import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

SERVICE = "echo.v1.Echo"
MAX_MESSAGE = 128 * 2**20
Context = Any  # grpc.aio.ServicerContext with bytes on both sides


class Echo:
    """The four call kinds over bytes."""

    def __init__(self, record: Path | None, instance: str) -> None:
        self.record = os.open(record, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) if record else None
        self.instance = instance

    async def unary(self, request: bytes, context: Context) -> bytes:
        await self._begin(context, "Unary")
        await _end(context)
        return request

    async def server_stream(self, request: bytes, context: Context) -> AsyncIterator[bytes]:
        await self._begin(context, "ServerStream")
        for _ in range(int(_asked(context).get("x-replies", "3"))):
            yield request
        await _end(context)

    async def client_stream(self, requests: AsyncIterator[bytes], context: Context) -> bytes:
        await self._begin(context, "ClientStream")
        received = [message async for message in requests]
        await _end(context)
        return b"".join(received)

    async def bidi(self, requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
        await self._begin(context, "Bidi")
        async for message in requests:
            yield message
        await _end(context)

    async def _begin(self, context: Context, method: str) -> None:
        asked = _asked(context)
        if self.record is not None and "x-call-id" in asked:
            os.write(self.record, f"{asked['x-call-id']} {method} {self.instance}\n".encode())
        await asyncio.sleep(int(asked.get("x-wait-ms", "0")) / 1000)
        await context.send_initial_metadata((*_echoed(context, "x-initial-"), ("x-instance", self.instance)))


async def _end(context: Context) -> None:
    asked = _asked(context)
    trailing = list(_echoed(context, "x-trailing-"))
    if "x-details-bin" in asked:
        trailing.append(("grpc-status-details-bin", asked["x-details-bin"]))
    context.set_trailing_metadata(tuple(trailing))
    if code := int(asked.get("x-status", "0")):
        status = next(status for status in grpc.StatusCode if status.value[0] == code)
        await context.abort(status, asked.get("x-message-bin", b"").decode(), tuple(trailing))


def _asked(context: Context) -> dict[str, Any]:
    return dict(context.invocation_metadata())


def _echoed(context: Context, prefix: str) -> Iterable[tuple[str, Any]]:
    return ((key, value) for key, value in context.invocation_metadata() if key.startswith(prefix))


async def serve(port: int, echo: Echo) -> None:
    options = [("grpc.max_receive_message_length", MAX_MESSAGE), ("grpc.max_send_message_length", MAX_MESSAGE)]
    server = grpc.aio.server(options=[*options, ("grpc.so_reuseport", 0)])
    handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
        "Unary": grpc.unary_unary_rpc_method_handler(echo.unary),
        "ServerStream": grpc.unary_stream_rpc_method_handler(echo.server_stream),
        "ClientStream": grpc.stream_unary_rpc_method_handler(echo.client_stream),
        "Bidi": grpc.stream_stream_rpc_method_handler(echo.bidi),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    checks = health.aio.HealthServicer()
    await checks.set("", health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    print(f"ready {bound}", flush=True)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
    await server.stop(grace=5)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--record", type=Path)
    parser.add_argument("--instance", default="one")
    given = parser.parse_args()
    asyncio.run(serve(given.port, Echo(given.record, given.instance)))


if __name__ == "__main__":
    main()
