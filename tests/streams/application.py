"""A gRPC application whose streams have every shape: sizes, crowds, trailers, one side ending before the other.

`python -m tests.streams.application --record FILE`. Messages are bytes. Every call names itself by `x-call-id`; how it
ended at the application is a line of the record, `<id> <ending>`.

- `Bidi`: each message comes back.
- `Digest`: the number of messages and the SHA-256 of all of them.
- `Send`: `x-count` messages of `x-size` bytes (`numbered`), whatever was asked.
- `Crowd`: waits until `x-crowd` calls are here at once, then answers with the most that ever were.
- `Trailers`: a trailer of `x-size` bytes.
- `Ignore`: never reads what it is sent.
- `Late`: says nothing before its caller has ended its side, then `x-count` one-byte messages.
- `Early`: answers the first message and ends, whatever its caller still has to say.
- `Status`: aborts with code `x-status` and the message `x-message-bin` (UTF-8).
"""

import argparse
import asyncio
import hashlib
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

SERVICE = "streams.v1.Streams"
MAX_MESSAGE = 128 * 2**20
MAX_METADATA = 64 * 2**10
PERIOD = 251  # a prime, so that a swapped or lost message shows against powers of two
Context = Any  # grpc.aio.ServicerContext with bytes on both sides


def one_byte(number: int) -> bytes:
    """The message of that number in a stream of one-byte messages."""
    return bytes([number % PERIOD])


def numbered(number: int, size: int) -> bytes:
    """A message of `size` bytes that begins with its number."""
    return (number.to_bytes(8) + bytes(range(256)) * (size // 256 + 1))[:size]


class Streams:
    """The methods; the crowd is counted over all connections."""

    def __init__(self, record: Path) -> None:
        self._record = os.open(record, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._here = 0
        self._most = 0
        self._more = asyncio.Condition()

    async def bidi(self, requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
        async for message in requests:
            yield message

    async def digest(self, requests: AsyncIterator[bytes], context: Context) -> bytes:
        count, total = 0, hashlib.sha256()
        async for message in requests:
            count += 1
            total.update(message)
        return f"{count} {total.hexdigest()}".encode()

    async def send(self, request: bytes, context: Context) -> AsyncIterator[bytes]:
        for number in range(_number(context, "x-count")):
            yield numbered(number, _number(context, "x-size"))

    async def crowd(self, request: bytes, context: Context) -> bytes:
        async with self._more:
            self._here += 1
            self._most = max(self._most, self._here)
            self._more.notify_all()
            await self._more.wait_for(lambda: self._most >= _number(context, "x-crowd"))
        await asyncio.sleep(0)
        self._here -= 1
        return str(self._most).encode()

    async def trailers(self, request: bytes, context: Context) -> bytes:
        context.set_trailing_metadata((("x-long", "t" * _number(context, "x-size")),))
        return request

    async def ignore(self, requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
        await context.send_initial_metadata(())
        await asyncio.Event().wait()
        yield b""

    async def late(self, requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
        async for _ in requests:
            pass
        for number in range(_number(context, "x-count")):
            yield one_byte(number)

    async def early(self, requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
        async for message in requests:
            yield message
            return

    async def status(self, request: bytes, context: Context) -> bytes:
        code = _number(context, "x-status")
        status = next(status for status in grpc.StatusCode if status.value[0] == code)
        await context.abort(status, _asked(context)["x-message-bin"].decode())
        return b""

    def recorded(self, handler: Callable[[Any, Context], Awaitable[bytes]]) -> Callable[[Any, Context], Any]:
        """A handler of one answer that leaves its line."""

        async def answering(request: Any, context: Context) -> bytes:
            ending = "cancelled"
            try:
                answer = await handler(request, context)
                ending = "ended"
            finally:
                self._write(context, ending)
            return answer

        return answering

    def recorded_stream(
        self, handler: Callable[[Any, Context], AsyncIterator[bytes]]
    ) -> Callable[[Any, Context], AsyncIterator[bytes]]:
        """A handler of many answers that leaves its line."""

        async def answering(requests: Any, context: Context) -> AsyncIterator[bytes]:
            ending = "cancelled"
            try:
                async for message in handler(requests, context):
                    yield message
                ending = "ended"
            finally:
                self._write(context, ending)

        return answering

    def _write(self, context: Context, ending: str) -> None:
        if call_id := _asked(context).get("x-call-id"):
            os.write(self._record, f"{call_id} {ending}\n".encode())


def _asked(context: Context) -> dict[str, Any]:
    return dict(context.invocation_metadata())


def _number(context: Context, name: str) -> int:
    return int(_asked(context)[name])


def handlers(streams: Streams) -> "dict[str, grpc.RpcMethodHandler[bytes, bytes]]":
    one, many = streams.recorded, streams.recorded_stream
    return {
        "Bidi": grpc.stream_stream_rpc_method_handler(many(streams.bidi)),
        "Digest": grpc.stream_unary_rpc_method_handler(one(streams.digest)),
        "Send": grpc.unary_stream_rpc_method_handler(many(streams.send)),
        "Crowd": grpc.unary_unary_rpc_method_handler(one(streams.crowd)),
        "Trailers": grpc.unary_unary_rpc_method_handler(one(streams.trailers)),
        "Ignore": grpc.stream_stream_rpc_method_handler(many(streams.ignore)),
        "Late": grpc.stream_stream_rpc_method_handler(many(streams.late)),
        "Early": grpc.stream_stream_rpc_method_handler(many(streams.early)),
        "Status": grpc.unary_unary_rpc_method_handler(one(streams.status)),
    }


async def serve(port: int, record: Path) -> None:
    """Until SIGTERM; says `ready <port>` first."""
    options = [
        ("grpc.max_receive_message_length", MAX_MESSAGE),
        ("grpc.max_send_message_length", MAX_MESSAGE),
        ("grpc.max_metadata_size", MAX_METADATA),
        ("grpc.so_reuseport", 0),
    ]
    server = grpc.aio.server(options=options)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers(Streams(record))),))
    checks = health.aio.HealthServicer()
    await checks.set("", health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    print(f"ready {bound}", flush=True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    await server.stop(grace=2)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--record", type=Path, required=True)
    given = parser.parse_args()
    asyncio.run(serve(given.port, given.record))


if __name__ == "__main__":
    main()
