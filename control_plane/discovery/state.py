"""Everything that snapshots are resolved from, as of one revision of the store."""

from collections.abc import Sequence
from dataclasses import dataclass

from control_plane.policy import history, policy_set
from control_plane.policy.history import History
from control_plane.policy.policy_set import PolicySet
from control_plane.policy.resolve import resolve
from control_plane.registry import instances as registry
from control_plane.store.base import Store
from control_plane.workload import WorkloadRef
from protos.tulle.v1 import registry_pb2, snapshot_pb2


@dataclass(frozen=True, slots=True)
class MeshState:
    """Policy and instances exactly as of `revision`; `policy_revision` is that of the newest policy write."""

    revision: int
    policies: PolicySet
    policy_revision: int
    instances: Sequence[registry_pb2.Instance]


async def read_state(store: Store) -> MeshState:
    """One read of all: a revision must never stand for two different states, or a change could go unsent."""
    prefixes = (policy_set.PREFIX, history.PREFIX, registry.PREFIX)
    revision, (documents, records, instances) = await store.ranges(prefixes)
    return MeshState(
        revision,
        PolicySet.from_entries(documents),
        History(tuple(records)).revision,
        [registry.decode(entry) for entry in instances],
    )


def resolve_state(state: MeshState, workload: WorkloadRef) -> snapshot_pb2.Snapshot:
    return resolve(state.policies, state.instances, workload, state.revision)
