"""Health as sidecars see it: an unhealthy instance stays registered, marked, so that panic routing can still use it."""

from control_plane.events import EventSink
from control_plane.registry.instances import decode, encode, told_reason
from control_plane.store.base import Expectation, LeaseId, Put, RevisionConflictError, Store, Transaction


class Health:
    """Writes changes of health, and only changes: a steady instance costs no revision."""

    def __init__(self, store: Store, events: EventSink) -> None:
        self._store = store
        self._events = events

    async def report(self, key: str, lease: LeaseId, *, healthy: bool, reason: str) -> None:
        """What the holder of `lease` says of the instance at `key`. Nothing for one registered anew."""
        entry = await self._store.get(key)
        if entry is None or entry.lease != lease:
            return
        instance = decode(entry)
        reason = told_reason(reason, healthy=healthy)
        turned = instance.healthy != healthy
        if not turned and instance.unhealthy_reason == reason:
            return
        instance.healthy, instance.unhealthy_reason = healthy, reason
        instance.starting = instance.starting and not healthy
        put = Put(key, encode(instance), lease)
        try:
            await self._store.commit(Transaction((put,), (), (Expectation(key, entry.mod_revision),)))
        except RevisionConflictError:
            return  # registered anew in between, with a health of its own; the next keep-alive speaks for that one
        if turned:
            told = "healthy" if healthy else f"failing its check: {reason}"
            self._events.record("health", instance.id, f"{instance.service} is {told}")
