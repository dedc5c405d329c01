"""The registry's gRPC face (protos/tulle/v1/registry.proto)."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any, Final

import grpc
from typing_extensions import override

from control_plane.caller import CallerOf, workload_of
from control_plane.clock import Clock
from control_plane.events import EventSink
from control_plane.registry.health import Health
from control_plane.registry.instances import decode, encode, instance_key, make_instance, read_instances
from control_plane.registry.leases import Holder, Leases
from control_plane.stopping import Stopping
from control_plane.store.base import (
    ABSENT,
    Entry,
    Expectation,
    Lease,
    LeaseAbsentError,
    LeaseId,
    Put,
    RevisionConflictError,
    Store,
    Transaction,
)
from control_plane.workload import WorkloadRef
from protos.tulle.v1 import registry_pb2, registry_pb2_grpc

LEAVE_TIMEOUT: Final = timedelta(seconds=5)

Context = grpc.aio.ServicerContext[Any, Any]
Acknowledged = Callable[[int, str, timedelta], Awaitable[list[str]]]
"""(revision, instance to leave out, how long) -> the connected sidecars that have not acknowledged it by then."""


class RegistryService(registry_pb2_grpc.RegistryServicer):
    """Registrations of the caller's own service, and the list for operators."""

    def __init__(
        self,
        store: Store,
        leases: Leases,
        caller: CallerOf,
        acknowledged: Acknowledged,
        events: EventSink,
        clock: Clock,
        stopping: Stopping,
    ) -> None:
        self._store = store
        self._leases = leases
        self._caller = caller
        self._acknowledged = acknowledged
        self._events = events
        self._clock = clock
        self._stopping = stopping
        self._health = Health(store, events)

    @override
    async def Register(self, request: registry_pb2.RegisterRequest, context: Context) -> registry_pb2.RegisterResponse:
        ref = workload_of(self._caller(context))
        now_ms = int(self._clock.now().timestamp() * 1000)
        instance = make_instance(ref, request, peer_address(context.peer()), now_ms)
        lease = await self._register(ref, instance)
        return registry_pb2.RegisterResponse(lease_id=lease.id, ttl_ms=_milliseconds(lease.ttl))

    @override
    async def KeepAlive(
        self, request_iterator: AsyncIterator[registry_pb2.KeepAliveRequest], context: Context
    ) -> AsyncIterator[registry_pb2.KeepAliveResponse]:
        ref = workload_of(self._caller(context))
        async for request in self._stopping.until(request_iterator):
            lease_id = LeaseId(request.lease_id)
            holder = self._leases.holder(lease_id, ref)
            lease = await self._leases.keep(lease_id)
            reason = request.unhealthy_reason
            await self._health.report(holder.key, lease_id, healthy=request.healthy, reason=reason)
            yield registry_pb2.KeepAliveResponse(lease_id=lease.id, ttl_ms=_milliseconds(lease.ttl))

    @override
    async def Deregister(
        self, request: registry_pb2.DeregisterRequest, context: Context
    ) -> registry_pb2.DeregisterResponse:
        lease = LeaseId(request.lease_id)
        holder = self._leases.holder(lease, workload_of(self._caller(context)))
        await self._leases.end(lease)
        self._events.record("left", holder.instance, "deregistered")
        missing = await self._acknowledged(self._store.revision, holder.instance, LEAVE_TIMEOUT)
        return registry_pb2.DeregisterResponse(unacknowledged=missing)

    @override
    async def ListInstances(
        self, request: registry_pb2.ListInstancesRequest, context: Context
    ) -> registry_pb2.ListInstancesResponse:
        _, instances = await read_instances(self._store)
        wanted = [instance for instance in instances if request.service in {"", instance.service}]
        return registry_pb2.ListInstancesResponse(instances=wanted)

    async def _register(self, ref: WorkloadRef, instance: registry_pb2.Instance) -> Lease:
        """Put the instance in place of whatever has its id: callers never see the gap of a leave and a join."""
        key = instance_key(ref, instance.id)
        while True:
            before = await self._store.get(key)
            kept = await self._kept(before, instance)
            if kept is not None:
                return kept
            lease = await self._leases.grant()
            expected = before.mod_revision if before else ABSENT
            put = Put(key, encode(instance), lease.id)
            try:
                await self._store.commit(Transaction((put,), (), (Expectation(key, expected),)))
            except RevisionConflictError:
                await self._store.revoke(lease.id)
                continue
            break
        self._leases.hold(lease.id, Holder(ref.spiffe_id, instance.id, key))
        if before is None:
            self._events.record("joined", instance.id, f"{ref} at {instance.address}:{instance.port}")
        elif before.lease is not None:
            await self._leases.end(before.lease)
        return lease

    async def _kept(self, before: Entry | None, instance: registry_pb2.Instance) -> Lease | None:
        """The lease in force, where exactly this registration stands already: a sidecar that came back."""
        if before is None or before.lease is None:
            return None
        standing = decode(before)
        standing.registered_unix_ms = instance.registered_unix_ms
        if standing != instance:
            return None
        try:
            return await self._leases.keep(before.lease)
        except LeaseAbsentError:
            return None


def peer_address(peer: str) -> str:
    """The IP in what gRPC calls a peer: "ipv4:127.0.0.1:4711", "ipv6:%5B::1%5D:4711"; "" for anything else."""
    kind, _, rest = peer.partition(":")
    host, _, _ = rest.rpartition(":")
    if kind not in {"ipv4", "ipv6"}:
        return ""
    return host.replace("%5B", "").replace("%5D", "").strip("[]")


def _milliseconds(ttl: timedelta) -> int:
    return ttl // timedelta(milliseconds=1)
