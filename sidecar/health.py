"""Whether the application beside this sidecar is well: grpc.health.v1, asked every few seconds."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Final, Protocol

import grpc

from sidecar.clock import Clock

log = logging.getLogger(__name__)

# The check must reach the application itself, not a proxy, and see a restarted one at once.
_OPTIONS: Final = (("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1))


class Check(Protocol):
    """One question to the application: None if it is well, else what is wrong, in a few words."""

    async def __call__(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Cadence:
    """Seconds between checks; how many results in a row change the verdict."""

    period: float = 10.0
    starting_period: float = 0.25
    failures_out: int = 2
    successes_in: int = 1


class Health:
    """The verdict. Out until the first success: an application that has not started is not sent calls."""

    def __init__(self, cadence: Cadence | None = None) -> None:
        self._cadence = cadence or Cadence()
        self._row = 0
        self._changed = asyncio.Event()
        self.first_success = asyncio.Event()
        self.healthy = False

    async def run(self, check: Check, clock: Clock) -> None:
        """Until cancelled."""
        while True:
            self.observe(await check())
            # Until it has been seen once, an application is starting, and someone waits for it.
            started = self.first_success.is_set()
            await clock.sleep(self._cadence.period if started else self._cadence.starting_period)

    def observe(self, failure: str | None) -> None:
        """Take one result."""
        against = (failure is None) != self.healthy
        self._row = self._row + 1 if against else 0
        needed = self._cadence.failures_out if self.healthy else self._cadence.successes_in
        if self._row >= needed:
            self._turn(failure)

    async def changed_from(self, healthy: bool) -> None:
        """Return when the verdict is no longer `healthy`."""
        while self.healthy is healthy:
            await self._changed.wait()

    def _turn(self, failure: str | None) -> None:
        self.healthy = failure is None
        self._row = 0
        log.info("the application is healthy" if self.healthy else f"the application is failing: {failure}")
        if self.healthy:
            self.first_success.set()
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


class GrpcCheck:
    """Asks the application at `address` by grpc.health.v1.

    One that does not implement it is well while it answers at all: UNIMPLEMENTED came over a connection it accepted.
    """

    def __init__(self, address: str, timeout_seconds: float = 1.0) -> None:
        self._address = address
        self._timeout = timeout_seconds

    async def __call__(self) -> str | None:
        from grpc_health.v1 import health_pb2, health_pb2_grpc

        # A channel a check: a kept one would answer for the past, and back off when the application restarts.
        async with grpc.aio.insecure_channel(self._address, options=_OPTIONS) as channel:
            request = health_pb2.HealthCheckRequest()
            try:
                answer = await health_pb2_grpc.HealthStub(channel).Check(request, timeout=self._timeout)
            except grpc.aio.AioRpcError as error:
                if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                    return None
                return f"{error.code().name}: {error.details()}"
        if answer.status == health_pb2.HealthCheckResponse.SERVING:
            return None
        return f"it says {health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)}"


class AlwaysWell:
    """For a workload that serves nothing."""

    async def __call__(self) -> str | None:
        return None
