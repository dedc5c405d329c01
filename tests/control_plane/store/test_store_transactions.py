from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from control_plane.store.base import (
    ABSENT,
    Entry,
    Expectation,
    InvalidTransactionError,
    LeaseAbsentError,
    LeaseId,
    Put,
    RevisionConflictError,
    Transaction,
)
from control_plane.store.database import DatabaseError, LibraryTooOldError, check_library
from control_plane.store.sqlite import SqliteStore
from tests.control_plane.control_plane_harness import JumpingClock


@pytest.fixture
async def clock() -> JumpingClock:
    return JumpingClock()


@pytest.fixture
async def store(tmp_path: Path, clock: JumpingClock) -> AsyncIterator[SqliteStore]:
    opened = await SqliteStore.open(tmp_path / "store.db", clock)
    yield opened
    await opened.close()


def put(key: str, value: bytes = b"x", lease: LeaseId | None = None) -> Transaction:
    return Transaction((Put(key, value, lease),))


async def test_every_transaction_is_one_revision(store: SqliteStore) -> None:
    assert store.revision == 0
    assert await store.commit(Transaction((Put("/a", b"1"), Put("/b", b"2")))) == 1
    assert await store.commit(put("/a", b"3")) == 2
    assert store.revision == 2
    assert await store.get("/a") == Entry("/a", b"3", create_revision=1, mod_revision=2)
    assert await store.get("/b") == Entry("/b", b"2", create_revision=1, mod_revision=1)


async def test_a_range_is_what_begins_with_the_prefix_in_order(store: SqliteStore) -> None:
    await store.commit(Transaction((Put("/p/b", b""), Put("/p/a", b""), Put("/p", b""), Put("/q/a", b""))))
    revision, entries = await store.range("/p/")
    assert (revision, [entry.key for entry in entries]) == (1, ["/p/a", "/p/b"])


async def test_a_wrong_expectation_writes_nothing(store: SqliteStore) -> None:
    await store.commit(put("/a"))
    for expected in (ABSENT, 7):
        with pytest.raises(RevisionConflictError, match=f"expected /a at revision {expected} and found 1"):
            await store.commit(Transaction((Put("/b", b""),), ("/a",), (Expectation("/a", expected),)))
    assert store.revision == 1
    assert await store.get("/a") is not None
    assert await store.get("/b") is None


async def test_a_right_expectation_writes(store: SqliteStore) -> None:
    await store.commit(put("/a"))
    await store.commit(Transaction((Put("/a", b"2"),), (), (Expectation("/a", 1), Expectation("/b", ABSENT))))
    entry = await store.get("/a")
    assert entry is not None
    assert entry.value == b"2"


async def test_the_whole_stores_revision_can_be_expected(store: SqliteStore) -> None:
    await store.commit(put("/a"))
    with pytest.raises(RevisionConflictError, match="expected revision 0 and found 1"):
        await store.commit(Transaction((Put("/b", b""),), expected_revision=0))
    assert await store.commit(Transaction((Put("/b", b""),), expected_revision=1)) == 2


async def test_a_key_may_stand_in_a_transaction_once() -> None:
    with pytest.raises(InvalidTransactionError):
        Transaction((Put("/a", b""),), ("/a",))
    with pytest.raises(InvalidTransactionError):
        Transaction()


async def test_a_lease_that_is_not_kept_takes_its_keys_along(store: SqliteStore, clock: JumpingClock) -> None:
    lease = await store.grant(timedelta(seconds=15))
    await store.commit(put("/leased", lease=lease.id))
    await store.commit(put("/free"))
    clock.jump(14)
    assert await store.expire() == []
    await store.keep(lease.id)
    clock.jump(14)
    assert await store.expire() == []
    clock.jump(2)
    assert await store.expire() == [lease.id]
    assert await store.get("/leased") is None
    assert await store.get("/free") is not None
    with pytest.raises(LeaseAbsentError):
        await store.keep(lease.id)


async def test_a_key_put_under_another_lease_survives_the_first(store: SqliteStore) -> None:
    first, second = await store.grant(timedelta(seconds=15)), await store.grant(timedelta(seconds=15))
    await store.commit(put("/a", lease=first.id))
    await store.commit(put("/a", lease=second.id))
    await store.revoke(first.id)
    entry = await store.get("/a")
    assert entry is not None
    assert entry.lease == second.id


async def test_nothing_can_be_put_under_a_lease_that_is_gone(store: SqliteStore) -> None:
    lease = await store.grant(timedelta(seconds=15))
    await store.revoke(lease.id)
    with pytest.raises(LeaseAbsentError):
        await store.commit(put("/a", lease=lease.id))
    assert store.revision == 0


async def test_after_a_restart_everything_is_there_and_leases_have_their_whole_time(tmp_path: Path) -> None:
    clock = JumpingClock()
    before = await SqliteStore.open(tmp_path / "store.db", clock)
    lease = await before.grant(timedelta(seconds=15))
    await before.commit(put("/a", b"kept", lease.id))
    clock.jump(14)
    await before.close()
    after = await SqliteStore.open(tmp_path / "store.db", clock)
    try:
        clock.jump(14)
        assert await after.expire() == []
        assert await after.get("/a") == Entry("/a", b"kept", 1, 1, lease.id)
        clock.jump(2)
        assert await after.expire() == [lease.id]
    finally:
        await after.close()


async def test_a_second_process_on_the_same_file_is_told_so(store: SqliteStore, tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match=r"another process uses .*store\.db: stop the other control plane"):
        await SqliteStore.open(tmp_path / "store.db", JumpingClock())


async def test_a_file_that_is_no_store_is_named(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"this is no database, and long enough to be taken for one" * 100)
    with pytest.raises(DatabaseError, match=r"cannot open .*store\.db"):
        await SqliteStore.open(tmp_path / "store.db", JumpingClock())


@pytest.mark.parametrize("version", ["3.7.0", "3.45.1", "3.51.2"])
def test_a_library_that_can_corrupt_a_wal_is_refused(version: str) -> None:
    with pytest.raises(LibraryTooOldError, match=rf"SQLite {version} can corrupt .*: install apsw 3\.51\.3"):
        check_library(version)


@pytest.mark.parametrize("version", ["3.51.3", "3.54.1", "4.0.0"])
def test_a_library_without_that_fault_is_taken(version: str) -> None:
    check_library(version)
