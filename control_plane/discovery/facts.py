"""The mesh as it stands, for the telemetry room's queries: from what discovery has read already, no read a query."""

from collections.abc import Callable

from control_plane.discovery.acks import Proxies
from control_plane.discovery.state import MeshState
from control_plane.telemetry.facts import Facts, ReadFacts


def facts_of(state: Callable[[], MeshState], proxies: Proxies) -> ReadFacts:
    """A reader of facts, at most as old as the debounce."""

    async def read() -> Facts:
        now = state()
        return Facts(
            instances=now.instances,
            proxies=proxies.listed(),
            services=tuple(now.policies.services),
            p99_targets_ms=now.policies.p99_targets_ms,
            streams=now.policies.streams,
            revision=now.policy_revision,
        )

    return read
