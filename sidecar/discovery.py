"""Policy in: each snapshot pushed is put in force, or refused by naming the resource at fault."""

import asyncio
import logging
from collections.abc import Callable

import grpc

from protos.tulle.v1 import discovery_pb2, discovery_pb2_grpc, snapshot_pb2
from sidecar.cache import SnapshotCache
from sidecar.engine import Snapshots
from sidecar.errors import SnapshotRefusedError
from sidecar.sessions import Proved

log = logging.getLogger(__name__)

Took = Callable[[snapshot_pb2.Inbound], None]


class Discovery:
    """The Watch stream. `revision` is the snapshot in force, 0 before the first."""

    def __init__(self, engine: Snapshots, cache: SnapshotCache, instance: str, version: str, took: Took) -> None:
        """`took` is told what each snapshot put in force says of this sidecar's own side."""
        self._engine = engine
        self._cache = cache
        self._instance = instance
        self._version = version
        self._tell = took
        self.in_force = asyncio.Event()
        self.revision = 0

    async def restore(self) -> None:
        """Put the cached snapshot in force, if there is a good one."""
        snapshot = await asyncio.to_thread(self._cache.load)
        if snapshot is None:
            return
        try:
            await self._engine.apply(snapshot.SerializeToString())
        except SnapshotRefusedError as error:
            log.warning("the cached snapshot %d is refused: %s", snapshot.revision, error)
            return
        self._took(snapshot)
        log.info("snapshot %d is in force, from the cache", snapshot.revision)

    async def session(self, channel: grpc.aio.Channel, proved: Proved) -> None:
        """One Watch stream, until it ends."""
        call = discovery_pb2_grpc.DiscoveryStub(channel).Watch()
        hello = discovery_pb2.Hello(instance=self._instance, version=self._version, revision=self.revision)
        try:
            await call.write(discovery_pb2.WatchRequest(hello=hello))
            async for response in call:
                proved()
                await call.write(await self._take(response.snapshot))
        finally:
            call.cancel()

    async def _take(self, snapshot: snapshot_pb2.Snapshot) -> discovery_pb2.WatchRequest:
        serialized = snapshot.SerializeToString()
        try:
            await self._engine.apply(serialized)
        except SnapshotRefusedError as error:
            log.warning("snapshot %d is refused, %d stays in force: %s", snapshot.revision, self.revision, error)
            nack = discovery_pb2.Nack(revision=snapshot.revision, resource=error.resource, detail=error.detail)
            return discovery_pb2.WatchRequest(nack=nack)
        # Kept first: whoever was told "ready" may rely on a start without a control plane.
        await self._keep(serialized)
        self._took(snapshot)
        return discovery_pb2.WatchRequest(ack=discovery_pb2.Ack(revision=snapshot.revision))

    def _took(self, snapshot: snapshot_pb2.Snapshot) -> None:
        self.revision = snapshot.revision
        self._tell(snapshot.inbound)
        self.in_force.set()

    async def _keep(self, serialized: bytes) -> None:
        try:
            await asyncio.to_thread(self._cache.store, serialized)
        except OSError as error:
            # The snapshot is in force all the same; only a start without a control plane would miss it.
            log.warning("the snapshot cannot be cached: %s", error)
