"""Leases of instances: who holds which, and what happens when one ends.

The store counts the time; this room knows which workload a lease belongs to, so that nobody keeps or ends another's.
"""

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Self

from control_plane.clock import Clock
from control_plane.events import EventSink
from control_plane.registry.instances import PREFIX, decode
from control_plane.store.base import Lease, LeaseAbsentError, LeaseId, Store
from control_plane.workload import WorkloadRef

TTL: Final = timedelta(seconds=15)
SWEEP_SECONDS: Final = 0.5

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose lease it is."""

    spiffe_id: str
    instance: str
    key: str


class Leases:
    """The leases in force, by id."""

    def __init__(self, store: Store, events: EventSink) -> None:
        self._store = store
        self._events = events
        self._holders: dict[LeaseId, Holder] = {}

    @classmethod
    async def restore(cls, store: Store, events: EventSink) -> Self:
        """With the leases of before a restart, each of which has its whole time again."""
        leases = cls(store, events)
        _, entries = await store.range(PREFIX)
        for entry in entries:
            if entry.lease is not None:
                instance = decode(entry)
                leases.hold(entry.lease, Holder(instance.identity, instance.id, entry.key))
        return leases

    async def grant(self) -> Lease:
        return await self._store.grant(TTL)

    def hold(self, lease: LeaseId, holder: Holder) -> None:
        self._holders[lease] = holder

    def holder(self, lease: LeaseId, ref: WorkloadRef) -> Holder:
        """LeaseAbsentError if `ref` has no such lease, whether or not another workload has it."""
        holder = self._holders.get(lease)
        if holder is None or holder.spiffe_id != ref.spiffe_id:
            raise LeaseAbsentError(f"lease {lease} is unknown or has expired", hint="register again")
        return holder

    async def keep(self, lease: LeaseId) -> Lease:
        return await self._store.keep(lease)

    async def end(self, lease: LeaseId) -> None:
        self._holders.pop(lease, None)
        await self._store.revoke(lease)

    async def sweep(self) -> None:
        """End every lease whose time is up."""
        for lease in await self._store.expire():
            holder = self._holders.pop(lease, None)
            if holder is not None:
                self._events.record("left", holder.instance, "its lease expired: the sidecar was silent for 15 s")

    async def run(self, clock: Clock) -> None:
        """Sweep for ever."""
        while True:
            await clock.sleep(SWEEP_SECONDS)
            try:
                await self.sweep()
            except Exception:
                log.exception("could not end expired leases; trying again")
