"""Being found: the instance's lease in the registry, kept while the sidecar runs, carrying the health it sees."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import grpc

from protos.tulle.v1 import registry_pb2, registry_pb2_grpc
from sidecar.address import HostPort
from sidecar.health.verdict import Health
from sidecar.sessions import Proved

log = logging.getLogger(__name__)

RPC_TIMEOUT = 5.0
# Often enough that an agent which hangs for two thirds of a lease's life, whenever that begins, does not lose it.
_BEATS_A_LEASE = 5


@dataclass(frozen=True, slots=True)
class Registrant:
    """The instance as callers' sidecars will see it."""

    id: str
    address: HostPort
    weight: int = 1
    labels: Mapping[str, str] = field(default_factory=dict)


class Registration:
    """Registers as soon as it is known whether the application is healthy: until it has been, the control plane knows
    the instance and why nobody is sent to it. `lease_id` is 0 while there is none."""

    def __init__(self, registrant: Registrant, health: Health) -> None:
        self._registrant = registrant
        self._health = health
        self._registering = asyncio.Lock()
        self._leaves = False
        self.lease_id = 0

    async def session(self, channel: grpc.aio.Channel, proved: Proved) -> None:
        """One lease, until it or its stream ends; the next session replaces the registration. Who leaves stays away:
        then it never ends."""
        await self._health.asked.wait()
        try:
            lease = await self._register(channel)
            if lease is not None:
                await self._keep(channel, lease, proved)
        except grpc.aio.AioRpcError:
            # The lease that was given back is unknown from then on, which is no loss.
            if not self._leaves:
                raise
        if self._leaves:
            await asyncio.Event().wait()

    async def leave(self, channel: grpc.aio.Channel, timeout_seconds: float) -> None:
        """Deregister for good: returns when callers have let go of this instance, or after `timeout_seconds`."""
        self._leaves = True
        try:
            async with asyncio.timeout(timeout_seconds), self._registering:
                await self._give_back(channel, timeout_seconds)
        except TimeoutError:
            log.warning("not deregistered within %g s, the lease will expire", timeout_seconds)
        except grpc.aio.AioRpcError as error:
            log.warning("not deregistered, the lease will expire: %s: %s", error.code().name, error.details())

    async def _register(self, channel: grpc.aio.Channel) -> registry_pb2.RegisterResponse | None:
        """A lease, or None for who leaves. One that came when leaving had begun is given back, waited for or not."""
        async with self._registering:
            if self._leaves:
                return None
            lease = await registry_pb2_grpc.RegistryStub(channel).Register(self._request(), timeout=RPC_TIMEOUT)
            self.lease_id = lease.lease_id
            if self._leaves:
                await self._give_back(channel, RPC_TIMEOUT)
                return None
        log.info("registered %s at %s", self._registrant.id, self._registrant.address)
        return lease

    async def _keep(self, channel: grpc.aio.Channel, lease: registry_pb2.RegisterResponse, proved: Proved) -> None:
        beats = self._beats(lease.lease_id, lease.ttl_ms / 1000 / _BEATS_A_LEASE)
        call = registry_pb2_grpc.RegistryStub(channel).KeepAlive(beats)
        try:
            async for _ in call:
                proved()
        finally:
            call.cancel()

    async def _give_back(self, channel: grpc.aio.Channel, timeout_seconds: float) -> None:
        if not self.lease_id:
            return
        request = registry_pb2.DeregisterRequest(lease_id=self.lease_id)
        self.lease_id = 0
        answer = await registry_pb2_grpc.RegistryStub(channel).Deregister(request, timeout=timeout_seconds)
        if answer.unacknowledged:
            log.warning("callers that have not let go yet: %s", ", ".join(answer.unacknowledged))

    def _request(self) -> registry_pb2.RegisterRequest:
        return registry_pb2.RegisterRequest(
            id=self._registrant.id,
            address=self._registrant.address.host,
            port=self._registrant.address.port,
            labels=self._registrant.labels,
            weight=self._registrant.weight,
            healthy=self._health.healthy,
            unhealthy_reason=self._health.reason,
            starting=not self._health.ever_healthy,
        )

    async def _beats(self, lease_id: int, period: float) -> AsyncIterator[registry_pb2.KeepAliveRequest]:
        while True:
            healthy = self._health.healthy
            reason = self._health.reason
            yield registry_pb2.KeepAliveRequest(lease_id=lease_id, healthy=healthy, unhealthy_reason=reason)
            try:
                # A change of health goes out at once, an unchanged one, and another reason for it, in time.
                await asyncio.wait_for(self._health.changed_from(healthy), period)
            except TimeoutError:
                continue
