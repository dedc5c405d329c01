"""Policy in: put in force and acknowledged, or refused by name; the last good one survives everything."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from protos.tulle.v1 import discovery_pb2, snapshot_pb2
from sidecar.backoff import Backoff
from sidecar.cache import SnapshotCache
from sidecar.discovery import Discovery
from sidecar.errors import SnapshotRefusedError
from sidecar.link import Link
from sidecar.sessions import KeptOpen
from tests.sidecar.clocks import ManualClock
from tests.sidecar.other_side import OtherSide
from tests.sidecar.stand_in_engine import StandInEngine

SERVICE = "shop/payments"
LIMIT = 10


def snapshot(revision: int, service: str = SERVICE) -> snapshot_pb2.Snapshot:
    inbound = snapshot_pb2.Inbound(service=service)
    return snapshot_pb2.Snapshot(revision=revision, trust_domain="shop.local", inbound=inbound)


@pytest.fixture
def cache(tmp_path: Path) -> SnapshotCache:
    return SnapshotCache(tmp_path / "snapshot.pb", SERVICE)


@pytest.fixture
def told() -> list[snapshot_pb2.Inbound]:
    """What snapshots in force said of the sidecar's own side."""
    return []


@pytest.fixture
def discovery(joined: StandInEngine, cache: SnapshotCache, told: list[snapshot_pb2.Inbound]) -> Discovery:
    return Discovery(joined, cache, "payments-1", "0.1.0", told.append)


@asynccontextmanager
async def watching(discovery: Discovery, address: str, identity_dir: Path, clock: ManualClock) -> AsyncIterator[Link]:
    link = Link(address, identity_dir)
    kept = KeptOpen("discovery", link, Backoff(timedelta(seconds=1), timedelta(seconds=8)), clock, Random(1))
    task = asyncio.create_task(kept.run(discovery.session))
    try:
        yield link
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await link.close()


async def heard(other_side: OtherSide) -> discovery_pb2.WatchRequest:
    return await asyncio.wait_for(other_side.discoveries.heard.get(), LIMIT)


async def test_a_snapshot_is_put_in_force_acknowledged_and_kept(
    discovery: Discovery, joined: StandInEngine, other_side: OtherSide, cache: SnapshotCache
) -> None:
    async with watching(discovery, other_side.address, joined.identity_dir, ManualClock()):
        hello = (await heard(other_side)).hello
        assert (hello.instance, hello.version, hello.revision) == ("payments-1", "0.1.0", 0)
        other_side.discoveries.pushed.put_nowait(snapshot(7))
        assert (await heard(other_side)).ack.revision == 7
    assert joined.applied == [snapshot(7).SerializeToString()]
    assert cache.load() == snapshot(7)
    assert discovery.in_force.is_set()


async def test_a_refused_snapshot_is_named_and_the_last_one_stays(
    discovery: Discovery, joined: StandInEngine, other_side: OtherSide, cache: SnapshotCache
) -> None:
    joined.refuse[snapshot(8).SerializeToString()] = SnapshotRefusedError("weight is 0", "cluster:shop/payments")
    async with watching(discovery, other_side.address, joined.identity_dir, ManualClock()):
        await heard(other_side)
        other_side.discoveries.pushed.put_nowait(snapshot(7))
        assert (await heard(other_side)).ack.revision == 7
        other_side.discoveries.pushed.put_nowait(snapshot(8))
        nack = (await heard(other_side)).nack
    assert (nack.revision, nack.resource, nack.detail) == (8, "cluster:shop/payments", "weight is 0")
    assert discovery.revision == 7
    assert cache.load() == snapshot(7)


async def test_a_lost_control_plane_is_tried_again_and_told_what_is_in_force(
    discovery: Discovery, joined: StandInEngine, other_side: OtherSide
) -> None:
    clock = ManualClock()
    async with watching(discovery, other_side.address, joined.identity_dir, clock):
        await heard(other_side)
        other_side.discoveries.pushed.put_nowait(snapshot(7))
        await heard(other_side)
        await other_side.stop()
        first = await asyncio.wait_for(clock.wake(), LIMIT)
        later = await asyncio.wait_for(clock.wake(), LIMIT)
        assert 0.5 <= first <= 1 <= later <= 2
        await other_side.start()
        while other_side.discoveries.heard.empty():
            woken = asyncio.create_task(clock.wake())
            told = asyncio.create_task(other_side.discoveries.heard.get())
            done, left = await asyncio.wait({woken, told}, timeout=LIMIT, return_when=asyncio.FIRST_COMPLETED)
            for task in left:
                task.cancel()
            if told in done:
                assert told.result().hello.revision == 7
                return
            assert woken in done, "neither a new try nor a hello"


async def test_a_renewed_identity_moves_the_stream_at_once(
    discovery: Discovery, joined: StandInEngine, other_side: OtherSide
) -> None:
    async with watching(discovery, other_side.address, joined.identity_dir, ManualClock()) as link:
        await heard(other_side)
        link.renew()
        # Nobody wakes the clock: this hello waited for no backoff.
        assert (await heard(other_side)).HasField("hello")


async def test_a_cached_snapshot_is_in_force_without_a_control_plane(
    discovery: Discovery, joined: StandInEngine, cache: SnapshotCache
) -> None:
    cache.store(snapshot(5).SerializeToString())
    await discovery.restore()
    assert discovery.revision == 5
    assert joined.applied == [snapshot(5).SerializeToString()]


@pytest.mark.parametrize("kept", [b"\xff\xff", snapshot(5, "shop/orders").SerializeToString(), b"\x08"])
async def test_a_cached_snapshot_that_is_damaged_or_of_another_service_counts_as_none(
    discovery: Discovery, joined: StandInEngine, cache: SnapshotCache, kept: bytes
) -> None:
    cache.store(kept)
    await discovery.restore()
    assert (discovery.revision, joined.applied) == (0, [])


async def test_a_cached_snapshot_that_the_engine_refuses_counts_as_none(
    discovery: Discovery, joined: StandInEngine, cache: SnapshotCache
) -> None:
    serialized = snapshot(5).SerializeToString()
    joined.refuse[serialized] = SnapshotRefusedError("no", "snapshot")
    cache.store(serialized)
    await discovery.restore()
    assert not discovery.in_force.is_set()


async def test_how_health_is_asked_is_told_with_each_snapshot_in_force_and_not_with_a_refused_one(
    discovery: Discovery, joined: StandInEngine, other_side: OtherSide, told: list[snapshot_pb2.Inbound]
) -> None:
    first, second, refused = snapshot(1), snapshot(2), snapshot(3)
    second.inbound.health_check.service = "shop.v1.Payments"
    refused.inbound.health_check.service = "other"
    joined.refuse[refused.SerializeToString()] = SnapshotRefusedError("no", "cluster:x")
    async with watching(discovery, other_side.address, joined.identity_dir, ManualClock()):
        await heard(other_side)
        for pushed in (first, second, refused):
            other_side.discoveries.pushed.put_nowait(pushed)
            await heard(other_side)
    assert [inbound.health_check.service for inbound in told] == ["", "shop.v1.Payments"]


async def test_the_cached_snapshot_tells_how_health_is_asked(
    discovery: Discovery, cache: SnapshotCache, told: list[snapshot_pb2.Inbound]
) -> None:
    kept = snapshot(1)
    kept.inbound.health_check.service = "shop.v1.Payments"
    cache.store(kept.SerializeToString())
    await discovery.restore()
    assert [inbound.health_check.service for inbound in told] == ["shop.v1.Payments"]
