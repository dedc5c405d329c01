"""grpcio's asyncio server of the contract; its first line says the port."""

import argparse
import asyncio
import contextlib
import json
import signal
from collections.abc import AsyncIterator
from typing import Any

import grpc

from tests.peers.proto import peers_pb2 as pb
from tests.peers.proto import peers_pb2_grpc
from tests.peers.python import contract
from tests.peers.python.kept import Kept


class Peers(peers_pb2_grpc.PeersServicer):
    """The methods."""

    def __init__(self) -> None:
        self._kept = Kept()

    @contextlib.asynccontextmanager
    async def _executing(self, ask: pb.Ask, context: Any) -> AsyncIterator[None]:
        one, ending = self._kept.begin(ask.key, context), pb.CANCELLED
        try:
            context.set_trailing_metadata(contract.trailers(ask))
            if ask.head:
                await context.send_initial_metadata(contract.fields(ask.head))
            await asyncio.sleep(ask.sleep_ms / 1000)
            yield
            ending = pb.ENDED
            if ask.raises:
                raise RuntimeError("the handler raised")
            if ask.fail_code:
                await context.abort(contract.code(ask), ask.fail_text)
        finally:
            self._kept.end(one, ending)

    async def Unary(self, request: pb.Ask, context: Any) -> pb.Answer:  # noqa: N802 - gRPC's names
        async with self._executing(request, context):
            return contract.answer(request)

    async def Again(self, request: pb.Ask, context: Any) -> pb.Answer:  # noqa: N802
        return await self.Unary(request, context)

    async def Down(self, request: pb.Ask, context: Any) -> AsyncIterator[pb.Answer]:  # noqa: N802
        async with self._executing(request, context):
            for number in range(request.count):
                if number:
                    await asyncio.sleep(request.interval_ms / 1000)
                yield contract.answer(request)

    async def Up(self, request_iterator: AsyncIterator[pb.Ask], context: Any) -> pb.Answer:  # noqa: N802
        came = pb.Answer()
        async with contextlib.AsyncExitStack() as executing:
            async for ask in request_iterator:
                if not came.received_messages:
                    await executing.enter_async_context(self._executing(ask, context))
                came.received_bytes += len(ask.blob)
                came.received_messages += 1
        return came

    async def Bidi(self, request_iterator: AsyncIterator[pb.Ask], context: Any) -> AsyncIterator[pb.Answer]:  # noqa: N802
        async with contextlib.AsyncExitStack() as executing:
            is_first = True
            async for ask in request_iterator:
                if is_first:
                    is_first = False
                    await executing.enter_async_context(self._executing(ask, context))
                yield contract.answer(ask)

    async def Executions(self, request: pb.Prefix, context: Any) -> pb.Record:  # noqa: N802
        return self._kept.of(request.key)


async def serve(port: int, max_connection_age_ms: int) -> None:
    """Until SIGTERM."""
    server = grpc.aio.server(options=contract.options(max_connection_age_ms))
    peers_pb2_grpc.add_PeersServicer_to_server(Peers(), server)
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    print(json.dumps({"port": bound}), flush=True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    await server.stop(grace=0)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--max-connection-age-ms", type=int, default=0)
    given = parser.parse_args()
    asyncio.run(serve(given.port, given.max_connection_age_ms))


if __name__ == "__main__":
    main()
