"""Everything that snapshots are resolved from, as of one revision of the store."""

from collections.abc import Sequence
from dataclasses import dataclass

from control_plane.policy import policy_set
from control_plane.policy.policy_set import PolicySet
from control_plane.policy.resolve import resolve
from control_plane.registry.instances import read_instances
from control_plane.store.base import Store
from control_plane.workload import WorkloadRef
from protos.tulle.v1 import registry_pb2, snapshot_pb2


@dataclass(frozen=True, slots=True)
class MeshState:
    """Policy and instances, at least as new as `revision`."""

    revision: int
    policies: PolicySet
    instances: Sequence[registry_pb2.Instance]


async def read_state(store: Store) -> MeshState:
    """Two reads, so the older revision counts: claiming the newer one would hide a change that came in between."""
    policy_revision, entries = await store.range(policy_set.PREFIX)
    registry_revision, instances = await read_instances(store)
    return MeshState(min(policy_revision, registry_revision), PolicySet.from_entries(entries), instances)


def resolve_state(state: MeshState, workload: WorkloadRef) -> snapshot_pb2.Snapshot:
    return resolve(state.policies, state.instances, workload, state.revision)
