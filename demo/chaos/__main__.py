"""`python -m demo.chaos --target 127.0.0.1:PORT`: tells an instance, straight on its own port, to fail now and then."""

import argparse
import asyncio
import signal
import sys

import grpc.aio

from demo.shop.v1 import chaos_pb2, chaos_pb2_grpc

CALL_SECONDS = 5.0


async def main(arguments: argparse.Namespace) -> None:
    """Fail for `--failing` seconds, leave it alone for `--well`, until SIGTERM or SIGINT; then let it recover."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    # The instance is called past the mesh: chaos is no traffic of the shop.
    options = [("grpc.enable_http_proxy", 0)]
    async with grpc.aio.insecure_channel(arguments.target, options=options) as channel:
        stub: chaos_pb2_grpc.ChaosAsyncStub = chaos_pb2_grpc.ChaosStub(channel)
        while not stopped.is_set():
            await _fail(stub, arguments.target, arguments.failing)
            await _until(stopped, arguments.failing)
            _say(f"chaos: {arguments.target} recovers for {arguments.well:g} s")
            await _until(stopped, arguments.well)
        await _fail(stub, arguments.target, 0.0)


async def _fail(stub: "chaos_pb2_grpc.ChaosAsyncStub", target: str, seconds: float) -> None:
    try:
        answer = await stub.Fail(chaos_pb2.FailRequest(seconds=seconds), timeout=CALL_SECONDS)
    except grpc.aio.AioRpcError as error:
        _say(f"chaos: {target} cannot be told to fail: {error.details()}")
    else:
        _say(f"chaos: {target} fails for {seconds:g} s ({answer.failed_calls} failed calls so far)")


async def _until(stopped: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stopped.wait()
    except TimeoutError:
        return


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - what this program is for


def read_flags(arguments: list[str]) -> argparse.Namespace:
    """The flags; a wrong one ends the process with code 2 and names itself."""
    parser = argparse.ArgumentParser(prog="demo.chaos")
    parser.add_argument("--target", required=True, help="host:port of the payments instance itself")
    parser.add_argument("--failing", type=float, default=30.0, help="seconds")
    parser.add_argument("--well", type=float, default=80.0, help="seconds")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    asyncio.run(main(read_flags(sys.argv[1:])))
