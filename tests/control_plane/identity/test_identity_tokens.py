import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from control_plane.identity.tokens import PREFIX, TokenRefusedError, Tokens, TokenTtl
from control_plane.store.sqlite import SqliteStore
from control_plane.workload import WorkloadRef
from tests.control_plane.control_plane_harness import TRUST_DOMAIN, JumpingClock

PAYMENTS = WorkloadRef("shop", "payments", TRUST_DOMAIN)


@pytest.fixture
async def clock() -> JumpingClock:
    return JumpingClock()


@pytest.fixture
async def store(tmp_path: Path, clock: JumpingClock) -> AsyncIterator[SqliteStore]:
    opened = await SqliteStore.open(tmp_path / "store.db", clock)
    yield opened
    await opened.close()


async def test_of_tries_that_all_saw_the_token_unused_one_spends_it(store: SqliteStore, clock: JumpingClock) -> None:
    tokens = Tokens(store, clock, os.urandom)
    token = await tokens.create(PAYMENTS, TokenTtl())
    # Every read is queued before the first write: only the compare-and-set can tell the tries apart.
    tries = await asyncio.gather(*(tokens.spend(token.secret) for _ in range(10)), return_exceptions=True)
    assert [one for one in tries if not isinstance(one, TokenRefusedError)] == [PAYMENTS]


async def test_records_are_forgotten_a_day_after_their_end(store: SqliteStore, clock: JumpingClock) -> None:
    tokens = Tokens(store, clock, os.urandom)
    await tokens.create(PAYMENTS, TokenTtl())
    clock.jump(86_400)
    await tokens.create(PAYMENTS, TokenTtl())
    assert len((await store.range(PREFIX))[1]) == 2
    clock.jump(700)
    await tokens.create(PAYMENTS, TokenTtl())
    assert len((await store.range(PREFIX))[1]) == 2
