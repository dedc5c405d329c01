"""The newest snapshot of a workload: one value, no backlog, any number of readers."""

import asyncio

from protos.tulle.v1 import snapshot_pb2


class Cell:
    """Holds the snapshot that sidecars of one workload shall run.

    `as_of` is the store's revision up to which the snapshot says all there is to say: a change elsewhere in the mesh
    moves it without a new snapshot, so that a sidecar whom the change does not concern counts as up to date.
    """

    def __init__(self, snapshot: snapshot_pb2.Snapshot) -> None:
        self._snapshot = snapshot
        self._as_of = snapshot.revision
        self._replaced = asyncio.Event()

    @property
    def snapshot(self) -> snapshot_pb2.Snapshot:
        return self._snapshot

    def put(self, snapshot: snapshot_pb2.Snapshot) -> None:
        """Replace the snapshot, or only move `as_of` where nothing but the revision differs."""
        self._as_of = snapshot.revision
        if _same(self._snapshot, snapshot):
            return
        self._snapshot = snapshot
        replaced, self._replaced = self._replaced, asyncio.Event()
        replaced.set()

    def effective(self, revision: int) -> int:
        """What a sidecar that runs the snapshot of `revision` is up to date with."""
        return self._as_of if revision == self._snapshot.revision else revision

    async def newer(self, revision: int) -> snapshot_pb2.Snapshot:
        """The newest snapshot, as soon as it is another than that of `revision`."""
        while self._snapshot.revision == revision:
            await self._replaced.wait()
        return self._snapshot


def _same(one: snapshot_pb2.Snapshot, other: snapshot_pb2.Snapshot) -> bool:
    copy = snapshot_pb2.Snapshot()
    copy.CopyFrom(other)
    copy.revision = one.revision
    return copy == one
