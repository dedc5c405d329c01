"""Each interval: read the engine, send what it counted, in a thread of its own that never holds up the agent."""

import asyncio
import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol

from protos.tulle.v1 import engine_pb2
from sidecar.clock import Clock
from sidecar.link import Credentials, Link
from sidecar.telemetry.drain import Drain
from sidecar.telemetry.series import Reading

log = logging.getLogger(__name__)

# What the last reading may take at a stop.
_LAST_SECONDS: Final = 3.0
_LEAST_URGENT: Final = 19  # nice(2)


def step_back() -> None:
    """The calling thread takes what the cores have left: beside a busy worker an export costs calls milliseconds.

    On Linux niceness is a thread's own; a child started by another thread does not inherit it.
    """
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LEAST_URGENT)


class Exporter(Protocol):
    """What the pump sends to; all of it may block."""

    def aim(self, control_plane: str, credentials: Credentials) -> None: ...
    def export(self, reading: Reading, taken: list[engine_pb2.Span]) -> bool: ...
    def close(self) -> None: ...


class Pump:
    """One reading at a time: while one is on its way no other is made, so an outage costs no memory."""

    def __init__(self, drain: Drain, exporter: Exporter, link: Link, interval_seconds: float) -> None:
        self._drain = drain
        self._exporter = exporter
        self._link = link
        self._interval = interval_seconds
        self._aimed_with: Credentials | None = None
        self._thread = ThreadPoolExecutor(1, "tulle-otlp", step_back)

    async def run(self, clock: Clock) -> None:
        """Until cancelled."""
        while True:
            await clock.sleep(self._interval)
            await self.send()

    async def send(self) -> None:
        """Read and send once."""
        reading = await self._drain.read()
        taken = self._drain.take_spans()
        sent = False
        try:
            sent = await asyncio.get_running_loop().run_in_executor(self._thread, self._export, reading, taken)
        finally:
            if not sent:
                self._drain.put_back(taken)

    async def finish(self) -> None:
        """Send what came last, within a bound, and close."""
        try:
            await asyncio.wait_for(self.send(), _LAST_SECONDS)
        except TimeoutError:
            log.warning("the last telemetry was not taken in time")
        self._thread.submit(self._exporter.close)
        self._thread.shutdown(wait=False)

    def _export(self, reading: Reading, taken: list[engine_pb2.Span]) -> bool:
        credentials = self._link.credentials
        if credentials is not self._aimed_with:
            self._exporter.aim(self._link.address, credentials)
            self._aimed_with = credentials
        return self._exporter.export(reading, taken)
