"""Each tick: read the engine, send what is due, in a thread of its own that never holds up the agent."""

import asyncio
import itertools
import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol

from sidecar.clock import Clock
from sidecar.link import Credentials, Link
from sidecar.telemetry.drain import Drain, Drained
from sidecar.telemetry.pace import EVERYTHING, Due, Pace

log = logging.getLogger(__name__)

# What the last reading may take at a stop.
_LAST_SECONDS: Final = 3.0
_LEAST_URGENT: Final = 19  # nice(2)
# Half of the spans that may wait in the engine: they go before their time.
_CROWD: Final = 256


def step_back() -> None:
    """The calling thread takes what the cores have left: beside a busy worker an export costs calls milliseconds.

    On Linux niceness is a thread's own; a child started by another thread does not inherit it.
    """
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LEAST_URGENT)


class Exporter(Protocol):
    """What the pump sends to; all of it may block."""

    def aim(self, control_plane: str, credentials: Credentials) -> None: ...
    def export(self, drained: Drained, due: Due) -> bool:
        """Send what is due, and spans kept from before; False where spans are kept, to be sent first next time."""

    def close(self) -> None: ...


class Pump:
    """One reading at a time: while one is on its way no other is made, so an outage costs no memory."""

    def __init__(self, drain: Drain, exporter: Exporter, link: Link, pace: Pace) -> None:
        self._drain = drain
        self._exporter = exporter
        self._link = link
        self._pace = pace
        self._aimed_with: Credentials | None = None
        self._keeps_spans = False
        self._crowded = False
        self._thread = ThreadPoolExecutor(1, "tulle-otlp", step_back)

    async def run(self, clock: Clock) -> None:
        """Until cancelled."""
        for number in itertools.count(1):
            await clock.sleep(self._pace.tick)
            await self.send(self._pace.due(number))

    async def send(self, due: Due = EVERYTHING) -> None:
        """Read and send once."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._export, due)

    async def finish(self) -> None:
        """Send what came last, within a bound, and close."""
        try:
            await asyncio.wait_for(self.send(), _LAST_SECONDS)
        except TimeoutError:
            log.warning("the last telemetry was not taken in time")
        self._thread.submit(self._exporter.close)
        self._thread.shutdown(wait=False)

    def _export(self, due: Due) -> None:
        credentials = self._link.credentials
        if credentials is not self._aimed_with:
            self._exporter.aim(self._link.address, credentials)
            self._aimed_with = credentials
        spans = (due.spans or self._crowded) and not self._keeps_spans
        drained = self._drain.everything() if spans else self._drain.counters()
        self._crowded = not spans and drained.spans >= _CROWD
        self._keeps_spans = not self._exporter.export(drained, Due(due.metrics, spans))
