import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path

import pytest

from control_plane.errors import StoppingError
from control_plane.store.base import Batch, Change, CompactedError, Entry, Put, Transaction
from control_plane.store.sqlite import WATCH_CHUNK, SqliteStore
from tests.control_plane.control_plane_harness import JumpingClock, within


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = await SqliteStore.open(tmp_path / "store.db", JumpingClock(), keep_revisions=100)
    yield opened
    await opened.close()


async def write(store: SqliteStore, *keys: str) -> int:
    return await store.commit(Transaction(tuple(Put(key, b"x") for key in keys)))


async def test_a_watch_sees_what_was_and_what_comes_whole_and_in_order(store: SqliteStore) -> None:
    await write(store, "/p/a", "/p/b", "/q")
    await write(store, "/q")
    async with aclosing(store.watch("/p/", 0)) as batches:
        first = await within(anext(batches))
        pending = asyncio.ensure_future(anext(batches))
        await store.commit(Transaction((Put("/q", b"x"),), ("/p/a",)))
        second = await within(pending)
    assert first == Batch(1, (Change("/p/a", Entry("/p/a", b"x", 1, 1)), Change("/p/b", Entry("/p/b", b"x", 1, 1))))
    assert second == Batch(3, (Change("/p/a", None),))


async def test_a_watch_begins_after_the_revision_it_names(store: SqliteStore) -> None:
    await write(store, "/p/a")
    await write(store, "/p/b")
    async with aclosing(store.watch("/p/", 1)) as batches:
        assert (await within(anext(batches))).revision == 2


async def test_an_expired_lease_is_seen_as_a_deletion(store: SqliteStore) -> None:
    lease = await store.grant(timedelta(seconds=15))
    await store.commit(Transaction((Put("/p/a", b"x", lease.id),)))
    async with aclosing(store.watch("/p/", store.revision)) as batches:
        pending = asyncio.ensure_future(anext(batches))
        await store.revoke(lease.id)
        assert await within(pending) == Batch(2, (Change("/p/a", None),))


async def test_deleting_what_is_not_there_is_no_change(store: SqliteStore) -> None:
    await store.commit(Transaction((), ("/p/none",)))
    await write(store, "/p/a")
    async with aclosing(store.watch("/p/", 0)) as batches:
        assert (await within(anext(batches))).revision == 2


async def test_more_changes_than_are_read_at_once_all_arrive_once(store: SqliteStore) -> None:
    await write(store, *(f"/p/{number:04}" for number in range(WATCH_CHUNK + 10)))
    for number in range(50):
        await write(store, f"/p/late-{number}")
    revisions: list[int] = []
    async with aclosing(store.watch("/p/", 0)) as batches:
        while len(revisions) < 51:
            revisions.append((await within(anext(batches))).revision)
    assert revisions == list(range(1, 52))


async def test_a_watch_from_too_long_ago_is_told_to_read_again(store: SqliteStore) -> None:
    for _ in range(1000):
        await write(store, "/p/a")
    async with aclosing(store.watch("/p/", 1)) as batches:
        with pytest.raises(CompactedError, match="revisions up to 900 are no longer kept and 1 was asked for"):
            await within(anext(batches))
    async with aclosing(store.watch("/p/", 900)) as batches:
        assert (await within(anext(batches))).revision == 901


async def test_closing_the_store_ends_its_watches(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "other.db", JumpingClock())
    async with aclosing(store.watch("/p/", 0)) as batches:
        pending = asyncio.ensure_future(anext(batches))
        await store.get("/p/a")
        await store.close()
        with pytest.raises(StoppingError):
            await within(pending)
