"""`python -m demo.load --rate 20`: an open loop of calls to the storefront."""

import argparse
import asyncio
import random
import signal
import sys
import time
from contextlib import suppress

import grpc.aio

from demo.load.mix import Shopper, choose
from demo.load.tally import Tally

LINE_EVERY_SECONDS = 5.0
# An open loop does not wait for answers, but memory is bounded: above this many a call is counted and not sent.
MAX_IN_FLIGHT = 1000
GRACE_SECONDS = 3.0


class Load:
    """Starts a call each 1/rate seconds, whatever became of those before."""

    def __init__(self, shopper: Shopper, rate: float, chance: random.Random) -> None:
        self._shopper = shopper
        self._interval = 1.0 / rate
        self._chance = chance
        self._in_flight: set[asyncio.Task[None]] = set()
        self.tally = Tally()

    async def run(self) -> None:
        """For ever; cancel to stop."""
        due = time.monotonic()
        while True:
            due += self._interval
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self._start_call()

    async def settle(self) -> None:
        """Wait a little for the calls in flight."""
        if self._in_flight:
            await asyncio.wait(self._in_flight, timeout=GRACE_SECONDS)

    def _start_call(self) -> None:
        if len(self._in_flight) >= MAX_IN_FLIGHT:
            self.tally.shed += 1
            return
        task = asyncio.create_task(self._call())
        self._in_flight.add(task)
        task.add_done_callback(self._in_flight.discard)

    async def _call(self) -> None:
        began = time.monotonic()
        status = grpc.StatusCode.OK
        try:
            await choose(self._chance).call(self._shopper)
        except grpc.aio.AioRpcError as error:
            status = error.code()
        self.tally.finished(time.monotonic() - began, status)


async def main(arguments: argparse.Namespace) -> None:
    """Run until SIGTERM, SIGINT or the end of `--for`."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    chance = random.Random(arguments.seed)
    async with grpc.aio.insecure_channel(arguments.target) as channel:
        load = Load(Shopper(channel, chance), arguments.rate, chance)
        running = [asyncio.create_task(load.run()), asyncio.create_task(_report(load))]
        with suppress(TimeoutError):  # the end that --for asked for
            async with asyncio.timeout(arguments.seconds or None):
                await stopped.wait()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await load.settle()


async def _report(load: Load) -> None:
    while True:
        await asyncio.sleep(LINE_EVERY_SECONDS)
        tally, load.tally = load.tally, Tally()
        print(tally.line(LINE_EVERY_SECONDS), file=sys.stderr, flush=True)  # noqa: T201 - what this program is for


def read_flags(arguments: list[str]) -> argparse.Namespace:
    """The flags; a wrong one ends the process with code 2 and names itself."""
    parser = argparse.ArgumentParser(prog="demo.load")
    parser.add_argument("--target", default="storefront.shop:50051", help="what the storefront is called by")
    parser.add_argument("--rate", type=_rate, default=20.0, help="calls a second, above 0 and up to 5000")
    parser.add_argument("--for", dest="seconds", type=float, default=0.0, help="seconds, 0: until stopped")
    parser.add_argument("--seed", type=int, default=None, help="of what is bought, for a run that can be repeated")
    return parser.parse_args(arguments)


def _rate(text: str) -> float:
    value = float(text)
    if not 0 < value <= 5000:
        raise argparse.ArgumentTypeError(f"{text} is not above 0 and up to 5000")
    return value


if __name__ == "__main__":
    asyncio.run(main(read_flags(sys.argv[1:])))
