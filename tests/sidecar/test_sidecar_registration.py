"""A lease: opened when the application was first asked, kept, carrying changes of health at once, given back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from random import Random

import pytest

from sidecar.address import HostPort
from sidecar.backoff import Backoff
from sidecar.health.seen import WELL, failing
from sidecar.health.settings import CheckSettings
from sidecar.health.verdict import Health
from sidecar.link import Link
from sidecar.registration import Registrant, Registration
from sidecar.sessions import KeptOpen
from tests.sidecar.clocks import ManualClock
from tests.sidecar.other_side import OtherSide
from tests.sidecar.stand_in_engine import StandInEngine

LIMIT = 10
REGISTRANT = Registrant("payments-1", HostPort("127.0.0.1", 4321), 3, {"version": "v2"})


def see(health: Health, failure: str = "") -> None:
    """One check's result."""
    health.observe(failing(failure) if failure else WELL, 0.0, CheckSettings())


@asynccontextmanager
async def registering(
    engine: StandInEngine, other_side: OtherSide, health: Health, clock: ManualClock
) -> AsyncIterator[tuple[Registration, Link]]:
    link = Link(other_side.address, engine.identity_dir)
    registration = Registration(REGISTRANT, health)
    kept = KeptOpen("registration", link, Backoff(timedelta(seconds=1), timedelta(seconds=8)), clock, Random(1))
    task = asyncio.create_task(kept.run(registration.session))
    try:
        yield registration, link
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await link.close()


async def test_an_instance_is_registered_as_it_is_known(joined: StandInEngine, other_side: OtherSide) -> None:
    health = Health()
    async with registering(joined, other_side, health, ManualClock()):
        see(health)
        registered = await asyncio.wait_for(other_side.registries.registered.get(), LIMIT)
        assert (registered.id, registered.address, registered.port) == ("payments-1", "127.0.0.1", 4321)
        assert (dict(registered.labels), registered.weight, registered.healthy) == ({"version": "v2"}, 3, True)
        assert (registered.starting, registered.unhealthy_reason) == (False, "")
    assert other_side.registries.registered.empty()


async def test_nothing_is_registered_before_the_application_was_asked(
    joined: StandInEngine, other_side: OtherSide
) -> None:
    async with registering(joined, other_side, Health(), ManualClock()):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(other_side.registries.registered.get(), 0.3)


async def test_an_application_that_is_not_well_yet_is_registered_as_starting_with_the_reason(
    joined: StandInEngine, other_side: OtherSide
) -> None:
    health = Health()
    async with registering(joined, other_side, health, ManualClock()):
        see(health, "nothing listens on 127.0.0.1:50051")
        registered = await asyncio.wait_for(other_side.registries.registered.get(), LIMIT)
        assert (registered.healthy, registered.starting) == (False, True)
        assert registered.unhealthy_reason == "nothing listens on 127.0.0.1:50051"
        assert not (await asyncio.wait_for(other_side.registries.kept.get(), LIMIT)).healthy
        see(health)
        assert (await asyncio.wait_for(other_side.registries.kept.get(), LIMIT)).healthy


async def test_an_application_that_was_well_once_is_not_starting_when_it_is_registered_again(
    joined: StandInEngine, other_side: OtherSide
) -> None:
    health = Health()
    for failure in ("", "slow", "slow"):
        see(health, failure)
    async with registering(joined, other_side, health, ManualClock()):
        registered = await asyncio.wait_for(other_side.registries.registered.get(), LIMIT)
    assert (registered.healthy, registered.starting, registered.unhealthy_reason) == (False, False, "slow")


async def test_a_change_of_health_goes_out_at_once(joined: StandInEngine, other_side: OtherSide) -> None:
    health = Health()
    see(health)
    async with registering(joined, other_side, health, ManualClock()):
        assert (await asyncio.wait_for(other_side.registries.kept.get(), LIMIT)).healthy
        # The lease's life is a minute: only the change can bring the next message within the limit.
        for _ in range(2):
            see(health, "it says NOT_SERVING")
        kept = await asyncio.wait_for(other_side.registries.kept.get(), LIMIT)
        assert (kept.healthy, kept.unhealthy_reason) == (False, "it says NOT_SERVING")


async def test_another_reason_goes_out_with_the_next_beat(joined: StandInEngine, other_side: OtherSide) -> None:
    other_side.registries.ttl_ms = 60
    health = Health()
    see(health, "refused")
    async with registering(joined, other_side, health, ManualClock()):
        see(health, "it says NOT_SERVING")
        async with asyncio.timeout(LIMIT):
            while (await other_side.registries.kept.get()).unhealthy_reason != "it says NOT_SERVING":
                pass


async def test_a_lease_is_kept_within_its_life(joined: StandInEngine, other_side: OtherSide) -> None:
    other_side.registries.ttl_ms = 60
    health = Health()
    see(health)
    async with registering(joined, other_side, health, ManualClock()):
        for _ in range(3):
            assert (await asyncio.wait_for(other_side.registries.kept.get(), LIMIT)).lease_id == 1


async def test_a_lease_that_is_unknown_is_opened_anew(joined: StandInEngine, other_side: OtherSide) -> None:
    other_side.registries.ttl_ms = 60
    health = Health()
    see(health)
    clock = ManualClock()
    async with registering(joined, other_side, health, clock) as (registration, _):
        await asyncio.wait_for(other_side.registries.kept.get(), LIMIT)
        await asyncio.wait_for(other_side.registries.registered.get(), LIMIT)
        other_side.registries.leases += 1
        await asyncio.wait_for(clock.wake(), LIMIT)
        await asyncio.wait_for(other_side.registries.registered.get(), LIMIT)
        assert registration.lease_id == 3 or other_side.registries.leases == 3


async def test_leaving_gives_the_lease_back_once(joined: StandInEngine, other_side: OtherSide) -> None:
    health = Health()
    see(health)
    async with registering(joined, other_side, health, ManualClock()) as (registration, link):
        await asyncio.wait_for(other_side.registries.kept.get(), LIMIT)
        await registration.leave(link.channel, 5)
        await registration.leave(link.channel, 5)
    assert other_side.registries.left.qsize() == 1


async def test_leaving_a_lost_control_plane_is_no_error(joined: StandInEngine, other_side: OtherSide) -> None:
    health = Health()
    see(health)
    async with registering(joined, other_side, health, ManualClock()) as (registration, link):
        await asyncio.wait_for(other_side.registries.kept.get(), LIMIT)
        await other_side.stop()
        await registration.leave(link.channel, 1)
        assert registration.lease_id == 0


async def test_who_has_left_does_not_come_back(joined: StandInEngine, other_side: OtherSide) -> None:
    other_side.registries.ttl_ms = 60  # the next beat, which finds the lease gone, is 12 ms away
    health = Health()
    see(health)
    clock = ManualClock()
    async with registering(joined, other_side, health, clock) as (registration, link):
        await asyncio.wait_for(other_side.registries.kept.get(), LIMIT)
        await registration.leave(link.channel, 5)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(clock.wake(), 0.5)  # it would rest before it tries again
    assert other_side.registries.registered.qsize() == 1


@asynccontextmanager
async def registration_under_way(
    engine: StandInEngine, other_side: OtherSide
) -> AsyncIterator[tuple[Registration, Link]]:
    """The registry has been asked for a lease and has not answered."""
    other_side.registries.open.clear()
    health = Health()
    see(health)
    async with registering(engine, other_side, health, ManualClock()) as (registration, link):
        await asyncio.wait_for(other_side.registries.registered.get(), LIMIT)
        yield registration, link


async def test_leaving_gives_back_the_lease_that_is_just_being_opened(
    joined: StandInEngine, other_side: OtherSide
) -> None:
    async with registration_under_way(joined, other_side) as (registration, link):
        leaving = asyncio.create_task(registration.leave(link.channel, 5))
        asyncio.get_running_loop().call_soon(other_side.registries.open.set)  # behind the first step of leaving
        await asyncio.wait_for(leaving, LIMIT)
    assert other_side.registries.given_back == {1}


async def test_a_lease_that_comes_after_leaving_gave_up_is_given_back_as_well(
    joined: StandInEngine, other_side: OtherSide
) -> None:
    async with registration_under_way(joined, other_side) as (registration, link):
        await asyncio.wait_for(registration.leave(link.channel, 0.1), 2)
        assert other_side.registries.given_back == set()
        other_side.registries.open.set()
        assert await asyncio.wait_for(other_side.registries.left.get(), LIMIT) == 1
    assert registration.lease_id == 0


async def test_who_leaves_before_its_application_was_asked_is_never_registered(
    joined: StandInEngine, other_side: OtherSide
) -> None:
    health = Health()
    async with registering(joined, other_side, health, ManualClock()) as (registration, link):
        await registration.leave(link.channel, 5)
        see(health)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(other_side.registries.registered.get(), 0.3)
