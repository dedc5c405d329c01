"""Renewal: at half of a leaf's life, again after a failure, and the channel shows the new certificate."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import pytest

from protos import names
from sidecar.identity import RENEWAL_BACKOFF, Life, Renewal, stored_life
from sidecar.link import Link
from tests.sidecar.clocks import ManualClock
from tests.sidecar.other_side import OtherSide
from tests.sidecar.stand_in_engine import StandInEngine

LIMIT = 10


@asynccontextmanager
async def renewing(engine: StandInEngine, other_side: OtherSide, clock: ManualClock) -> AsyncIterator[Link]:
    link = Link(other_side.address, engine.identity_dir)
    renewal = Renewal(engine, link, lambda: life(engine), clock, Random(1))
    task = asyncio.create_task(renewal.run())
    try:
        yield link
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await link.close()


def life(engine: StandInEngine) -> Life:
    in_force = engine.identity()
    assert in_force is not None
    return stored_life(engine.identity_dir, in_force.not_after)


@pytest.mark.parametrize("seed", range(20))
def test_a_renewal_is_due_at_half_of_the_life_within_a_tenth(seed: int) -> None:
    assert 1_400 <= Life(1_000, 2_000).renewal(Random(seed)) <= 1_600


def test_sidecars_do_not_renew_together() -> None:
    assert len({Life(1_000, 2_000).renewal(Random(seed)) for seed in range(20)}) == 20


async def test_a_renewal_brings_a_new_key_and_a_channel_that_shows_it(
    joined: StandInEngine, other_side: OtherSide
) -> None:
    first = (joined.identity_dir / names.IDENTITY_KEY).read_bytes()
    clock = ManualClock()
    async with renewing(joined, other_side, clock) as link:
        channel = link.channel
        await clock.wake()
        shown_first = await asyncio.wait_for(other_side.identities.renewals.get(), LIMIT)
        await asyncio.wait_for(link.changed(channel), LIMIT)
        await clock.wake()
        shown_second = await asyncio.wait_for(other_side.identities.renewals.get(), LIMIT)
    assert shown_first != shown_second
    assert (joined.identity_dir / names.IDENTITY_KEY).read_bytes() != first


async def test_a_failed_renewal_is_tried_again_after_a_backoff(joined: StandInEngine, other_side: OtherSide) -> None:
    other_side.identities.renewals_refused = 2
    clock = ManualClock()
    async with renewing(joined, other_side, clock):
        await clock.wake()
        pauses = [await asyncio.wait_for(clock.wake(), LIMIT) for _ in range(2)]
        await asyncio.wait_for(other_side.identities.renewals.get(), LIMIT)
    assert 1 <= pauses[0] <= pauses[1] <= 2


def test_the_backoff_of_renewals_is_1_to_30_seconds() -> None:
    delays = [RENEWAL_BACKOFF.delay(failures, Random(failures)) for failures in range(1, 100)]
    assert min(delays) >= 1
    assert 15 <= delays[-1] <= 30
