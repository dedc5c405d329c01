"""The store on one machine: SQLite behind a thread of its own, so that waiting for the disk stops no other call.

Watches read the table of changes and are only woken by commits: a slow reader costs no memory here. Leases' deadlines
are kept in memory and start anew with the process, so that a restart expires nobody who had no chance to come back.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, ParamSpec, Self, TypeVar

from control_plane.clock import Clock
from control_plane.errors import StoppingError
from control_plane.store.base import Batch, Entry, Lease, LeaseAbsentError, LeaseId, Transaction
from control_plane.store.database import Database

KEEP_REVISIONS: Final = 10_000
WATCH_CHUNK: Final = 512

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(slots=True)
class Deadline:
    ttl: timedelta
    at: float
    """By the clock's monotonic seconds."""


class SqliteStore:
    """`control_plane.store.base.Store` on a file."""

    def __init__(self, database: Database, executor: ThreadPoolExecutor, clock: Clock, revision: int) -> None:
        self._database = database
        self._executor = executor
        self._clock = clock
        self._revision = revision
        self._loop = asyncio.get_running_loop()
        self._deadlines: dict[LeaseId, Deadline] = {}
        self._watchers: set[asyncio.Event] = set()
        self._closed = False

    @classmethod
    async def open(cls, path: Path, clock: Clock, keep_revisions: int = KEEP_REVISIONS) -> Self:
        """Open or create the file. LibraryTooOldError, DatabaseError."""
        executor = ThreadPoolExecutor(1, thread_name_prefix="store")
        loop = asyncio.get_running_loop()
        try:
            database = await loop.run_in_executor(executor, Database, path, keep_revisions)
        except BaseException:
            executor.shutdown()
            raise
        revision = await loop.run_in_executor(executor, database.revision)
        store = cls(database, executor, clock, revision)
        for lease in await store._run(database.leases):
            store._extend(lease)
        return store

    @property
    def revision(self) -> int:
        return self._revision

    async def get(self, key: str) -> Entry | None:
        return await self._run(self._database.get, key)

    async def range(self, prefix: str) -> tuple[int, list[Entry]]:
        revision, (entries,) = await self.ranges((prefix,))
        return revision, entries

    async def ranges(self, prefixes: tuple[str, ...]) -> tuple[int, list[list[Entry]]]:
        return await self._run(self._database.ranges, prefixes)

    async def commit(self, transaction: Transaction) -> int:
        return await self._run(self._announced, self._database.commit, transaction)

    async def watch(self, prefix: str, since_revision: int) -> AsyncGenerator[Batch, None]:
        woken = asyncio.Event()
        self._watchers.add(woken)
        try:
            while not self._closed:
                woken.clear()
                revision, batches = await self._run(self._database.changes, prefix, since_revision, WATCH_CHUNK)
                for batch in batches:
                    yield batch
                since_revision = revision
                if revision >= self._revision:
                    await woken.wait()
            raise StoppingError("the store is closing")
        finally:
            self._watchers.discard(woken)

    async def grant(self, ttl: timedelta) -> Lease:
        lease = await self._run(self._database.grant, ttl)
        return self._extend(lease)

    async def keep(self, lease: LeaseId) -> Lease:
        deadline = self._deadlines.get(lease)
        if deadline is None:
            raise LeaseAbsentError(f"lease {lease} is unknown or has expired", hint="register again")
        return self._extend(Lease(lease, deadline.ttl))

    async def revoke(self, lease: LeaseId) -> None:
        self._deadlines.pop(lease, None)
        await self._run(self._announced, self._database.revoke, lease)

    async def expire(self) -> list[LeaseId]:
        now = self._clock.monotonic()
        due = [lease for lease, deadline in self._deadlines.items() if deadline.at <= now]
        for lease in due:
            await self.revoke(lease)
        return due

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._wake()
        await self._loop.run_in_executor(self._executor, self._database.close)
        self._executor.shutdown()

    def _extend(self, lease: Lease) -> Lease:
        self._deadlines[lease.id] = Deadline(lease.ttl, self._clock.monotonic() + lease.ttl.total_seconds())
        return lease

    def _announced(self, write: Callable[P, int], *args: P.args, **kwargs: P.kwargs) -> int:
        """Runs in the store's thread: watchers hear of the write even when the task that asked for it was cancelled."""
        revision = write(*args, **kwargs)
        self._loop.call_soon_threadsafe(self._advance, revision)
        return revision

    def _advance(self, revision: int) -> None:
        if revision > self._revision:
            self._revision = revision
            self._wake()

    def _wake(self) -> None:
        for woken in self._watchers:
            woken.set()

    async def _run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._closed:
            raise StoppingError("the store is closed")
        return await self._loop.run_in_executor(self._executor, lambda: call(*args, **kwargs))
