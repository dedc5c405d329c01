"""Emptying the engine: its counters as last read, and its spans until someone has taken them."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from protos.tulle.v1 import engine_pb2
from sidecar.telemetry.series import Reading

# A span costs 0.1 to 0.2 ms of Python on its way out: no more wait than this, so that 1 % of a flood of calls does not
# become a flood of spans that outlasts it. Beyond it the oldest go, and are counted.
MAX_SPANS: Final = 512


class Drained(Protocol):
    """The part of the engine that counts."""

    async def drain_telemetry(self) -> engine_pb2.Telemetry: ...


class Drain:
    """Reads the engine; several readers share it, since spans are handed over once."""

    def __init__(self, engine: Drained, service: str, certificate_not_after: Callable[[], int]) -> None:
        self._engine = engine
        self._service = service
        self._certificate_not_after = certificate_not_after
        self._spans: deque[engine_pb2.Span] = deque()
        self._dropped = 0
        self._one_at_a_time = asyncio.Lock()

    async def read(self) -> Reading:
        """The counters now; new spans are kept for `take_spans`."""
        async with self._one_at_a_time:
            telemetry = await self._engine.drain_telemetry()
            self.put_back(telemetry.spans)
            del telemetry.spans[:]
            telemetry.dropped_spans += self._dropped
        return Reading(telemetry, self._service, self._certificate_not_after())

    def take_spans(self) -> list[engine_pb2.Span]:
        """The spans that nobody has taken yet."""
        taken = list(self._spans)
        self._spans.clear()
        return taken

    def put_back(self, spans: Sequence[engine_pb2.Span]) -> None:
        """Keep `spans` for later; the oldest go where there are too many."""
        self._spans.extend(spans)
        while len(self._spans) > MAX_SPANS:
            self._spans.popleft()
            self._dropped += 1
