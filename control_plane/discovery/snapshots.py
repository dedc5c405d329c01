"""From the store to snapshots: read what changed, resolve it for every connected workload, publish what differs."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from control_plane.clock import Clock
from control_plane.discovery.cell import Cell
from control_plane.discovery.debounce import Debounce
from control_plane.store.base import CompactedError, Store
from control_plane.workload import WorkloadRef
from protos.tulle.v1 import snapshot_pb2

WATCHED: Final = ("/policy/", "/registry/")

log = logging.getLogger(__name__)

StateT = TypeVar("StateT")


@dataclass(frozen=True, slots=True)
class Compiler(Generic[StateT]):
    """How state is read and turned into snapshots; the policy room gives both."""

    read: Callable[[], Awaitable[StateT]]
    resolve: Callable[[StateT, WorkloadRef], snapshot_pb2.Snapshot]


@dataclass(slots=True)
class Shared:
    """A cell and how many streams read it."""

    cell: Cell
    readers: int = 0


class Snapshots(Generic[StateT]):
    """A cell for each workload that has a sidecar connected."""

    def __init__(
        self, store: Store, compiler: Compiler[StateT], state: StateT, clock: Clock, published: Callable[[], None]
    ) -> None:
        self._store = store
        self._compiler = compiler
        self._state = state
        self._debounce = Debounce(clock)
        self._published = published
        self._cells: dict[WorkloadRef, Shared] = {}

    def state(self) -> StateT:
        """What the snapshots in force were resolved from."""
        return self._state

    @contextmanager
    def subscribed(self, ref: WorkloadRef) -> Iterator[Cell]:
        """The workload's cell, kept up to date while this lasts."""
        shared = self._cells.get(ref)
        if shared is None:
            shared = self._cells[ref] = Shared(Cell(self._compiler.resolve(self._state, ref)))
        shared.readers += 1
        try:
            yield shared.cell
        finally:
            shared.readers -= 1
            if shared.readers == 0:
                del self._cells[ref]

    async def run(self) -> None:
        """Follow the store for ever."""
        async with asyncio.TaskGroup() as tasks:
            for prefix in WATCHED:
                tasks.create_task(self._follow(prefix))
            while True:
                await self._debounce.settled()
                await self.refresh()

    async def refresh(self) -> None:
        """Read and publish now. What cannot be read or resolved leaves the last good snapshots in force."""
        try:
            self._state = await self._compiler.read()
        except Exception:
            log.exception("could not read the state; sidecars keep what they have")
            return
        for ref, shared in list(self._cells.items()):
            try:
                shared.cell.put(self._compiler.resolve(self._state, ref))
            except Exception:
                log.exception("could not resolve the snapshot of %s; its sidecars keep what they have", ref)
            await asyncio.sleep(0)  # a large mesh must not hold up keep-alives
        self._published()

    async def _follow(self, prefix: str) -> None:
        while True:
            revision = self._store.revision
            self._debounce.mark()
            try:
                async for _ in self._store.watch(prefix, revision):
                    self._debounce.mark()
            except CompactedError:
                log.warning("changes under %s came faster than they were read; reading everything again", prefix)
