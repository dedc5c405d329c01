"""The feed against a real server: one stream, the newest wins, loss and return, events of health."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dashboard.client import open_channel, read_credential
from dashboard.feed import Feed, FeedPace
from dashboard.health import Health
from dashboard.mesh import LinkState, MeshView
from protos.tulle.v1.telemetry_pb2_grpc import TelemetryQueryStub
from tests.dashboard.dashboard_double import ControlPlaneDouble
from tests.dashboard.dashboard_harness import config_for
from tests.dashboard.dashboard_shop import Story, topology

if TYPE_CHECKING:
    from protos.tulle.v1.telemetry_pb2_grpc import TelemetryQueryAsyncStub

PACE = FeedPace(
    window=timedelta(seconds=60),
    period=timedelta(milliseconds=250),
    judge=timedelta(milliseconds=250),
    retry=timedelta(milliseconds=100),
)
T0 = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
async def feed(control_plane: ControlPlaneDouble, tmp_path: Path) -> AsyncIterator[Feed]:
    """A feed that runs against the double."""
    credential = read_credential(config_for(control_plane, tmp_path).credential)
    async with open_channel(credential) as channel:
        query: TelemetryQueryAsyncStub = TelemetryQueryStub(channel)
        ticks = iter(range(1_000_000))
        made = Feed(query, PACE, lambda: T0, lambda: float(next(ticks)))
        task = asyncio.create_task(made.run())
        yield made
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(feed: Feed, holds: Callable[[MeshView], bool]) -> MeshView:
    """The first view for which it holds."""
    async with asyncio.timeout(20):
        view = feed.view
        while not holds(view):
            view = await feed.newer(view.number, timedelta(seconds=5))
        return view


async def test_all_who_wait_share_one_stream_and_get_the_newest(feed: Feed, control_plane: ControlPlaneDouble) -> None:
    views = await asyncio.gather(*(until(feed, lambda view: view.number >= 3) for _ in range(20)))

    assert control_plane.watchers == 1
    assert len({view.number for view in views}) == 1
    assert (await feed.newer(0, timedelta())).number == feed.view.number


async def test_a_change_of_health_is_settled_by_two_judgements_and_becomes_an_event(
    feed: Feed, control_plane: ControlPlaneDouble
) -> None:
    await until(feed, lambda view: view.health("shop/payments") is Health.HEALTHY)
    control_plane.tell = lambda now: topology(Story(now, faults={"shop/payments": 0.5}))
    view = await until(feed, lambda view: view.health("shop/payments") is Health.FAILING)
    view = await until(feed, lambda view: any(event.kind == "health" for event in view.events))

    event = next(event for event in view.events if event.kind == "health")
    assert event.subject == "shop/payments"
    assert event.message.startswith("healthy → failing: faults 50 % ≥ 10 %")
    assert view.changed["shop/payments"] == T0


async def test_a_lost_control_plane_keeps_the_last_view_and_the_link_comes_back(
    feed: Feed, control_plane: ControlPlaneDouble
) -> None:
    await until(feed, lambda view: view.link.state is LinkState.UP)
    await control_plane.stop()
    down = await until(feed, lambda view: view.link.state is LinkState.DOWN)
    assert down.seen
    assert len(down.services) == 6
    again = await until(feed, lambda view: view.link.state is LinkState.DOWN and "UNAVAILABLE" in view.link.detail)
    assert again.link.since == down.link.since
    await control_plane.start()
    up = await until(feed, lambda view: view.link.state is LinkState.UP)
    assert up.shape is down.shape


async def test_the_last_minute_of_rates_is_kept_and_no_more(feed: Feed) -> None:
    for at in range(1, 100):
        feed.accept(topology(Story(at)))

    assert len(feed.view.rates["shop/orders"]) == 60
