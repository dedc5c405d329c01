"""Series, stats, traces and events, from memory and from disk."""

import asyncio
from collections.abc import AsyncIterator
from math import inf
from pathlib import Path
from typing import Any

import grpc
import pytest

from control_plane.stopping import Stopping
from control_plane.telemetry.archive import Archive
from control_plane.telemetry.deltas import Deltas
from control_plane.telemetry.events import EventLog
from control_plane.telemetry.facts import Facts
from control_plane.telemetry.gauges import Gauges
from control_plane.telemetry.ingest import Intake
from control_plane.telemetry.query import QueryService
from control_plane.telemetry.rollups import MEMORY_SECONDS, Rollups
from control_plane.telemetry.spans import Span
from control_plane.telemetry.traces import QUIET_SECONDS, WaitingTraces
from protos.tulle.v1 import telemetry_pb2
from tests.control_plane.telemetry.telemetry_harness import BEGAN, ManualClock, Room, telemetry_room

START_MS = int(BEGAN.timestamp()) * 1000


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with telemetry_room(tmp_path) as room:
        yield room


def series(**given: Any) -> telemetry_pb2.SeriesRequest:
    return telemetry_pb2.SeriesRequest(**{"from_unix_ms": START_MS, "step_ms": 10_000, **given})


async def traffic(room: Room, seconds: int) -> None:
    """A call a second from orders to payments, every tenth failing, and a call a second from web."""
    orders, web = room.sender("shop/orders"), room.sender("shop/web")
    for second in range(seconds):
        orders.calls("shop/payments", status="INTERNAL" if second % 10 == 0 else "OK", seconds=0.03)
        web.calls("shop/payments", method="a.B/D", seconds=0.03)
        await orders.export()
        await web.export()
        await room.wait(1)


async def test_a_series_has_a_point_a_step_and_every_call_once(room: Room) -> None:
    await traffic(room, 20)
    found = await room.query.GetSeries(series(service="shop/payments", to_unix_ms=START_MS + 20_000))
    assert [(time - START_MS) // 1000 for time in found.time_unix_ms] == [0, 10]
    assert [(point.calls, point.faults, point.rate) for point in found.points] == [(20, 1, 2.0), (20, 1, 2.0)]
    assert len(found.bounds_ms) + 1 == len(found.heat[0].counts)
    hot = [index for index, count in enumerate(found.heat[0].counts) if count]
    assert [(found.bounds_ms[index - 1], found.bounds_ms[index]) for index in hot] == [(20.0, 50.0)]
    assert sum(found.heat[0].counts) == 20


async def test_a_series_may_be_of_one_caller_and_one_method(room: Room) -> None:
    await traffic(room, 10)
    for asked, calls in (
        ({"source": "shop/orders"}, 10),
        ({"method": "a.B/D"}, 10),
        ({"source": "shop/orders", "method": "a.B/D"}, 0),
        ({}, 20),
    ):
        found = await room.query.GetSeries(series(to_unix_ms=START_MS + 10_000, **asked))
        assert [point.calls for point in found.points] == [calls]


async def test_a_streams_life_is_charted_where_that_method_is_asked_for_and_nowhere_else(room: Room) -> None:
    room.know(streams={"shop/payments": {"a.B/C", "a.B/D"}})
    await traffic(room, 3)
    of_all = await room.query.GetSeries(series(service="shop/payments"))
    of_one = await room.query.GetSeries(series(service="shop/payments", method="a.B/C"))
    assert [sum(point.calls for point in found.points) for found in (of_all, of_one)] == [6, 3]
    assert max(point.p99_ms for point in of_all.points) == 0
    assert sum(sum(column.counts) for column in of_all.heat) == 0
    assert max(point.p99_ms for point in of_one.points) > 0


async def test_older_than_memory_comes_from_disk_and_a_restart_keeps_it(tmp_path: Path) -> None:
    clock = ManualClock()
    async with telemetry_room(tmp_path, clock) as room:
        await traffic(room, 20)
    await clock.advance(MEMORY_SECONDS + 100)
    async with telemetry_room(tmp_path, clock) as room:
        request = series(service="shop/payments", to_unix_ms=START_MS + 20_000, step_ms=1_000)
        found = await room.query.GetSeries(request)
        assert [(time - START_MS) // 1000 for time in found.time_unix_ms] == [0, 10]
        assert [point.calls for point in found.points] == [20, 20]
        coarse = series(service="shop/payments", to_unix_ms=START_MS + 60_000, step_ms=30_000)
        assert [point.calls for point in (await room.query.GetSeries(coarse)).points] == [40, 0]


async def test_stopping_between_two_tens_loses_no_call(tmp_path: Path) -> None:
    clock = ManualClock()
    for _ in range(2):
        async with telemetry_room(tmp_path, clock) as room:
            await traffic(room, 3)
    await clock.advance(MEMORY_SECONDS + 100)
    async with telemetry_room(tmp_path, clock) as room:
        found = await room.query.GetSeries(series(service="shop/payments", to_unix_ms=START_MS + 10_000))
        assert [point.calls for point in found.points] == [12]


async def test_a_minute_is_rolled_up_when_it_ends(room: Room) -> None:
    await traffic(room, 5)
    await room.wait(56)
    kept = room.telemetry._archive.tables.read_slots(60, 0, 1 << 40, "shop/payments")
    assert [sum(calls.count for calls in slot.values()) for slot in kept.values()] == [10]


async def test_stats_have_a_row_a_source_target_and_method(room: Room) -> None:
    await traffic(room, 3)
    rows = (await room.query.GetStats(telemetry_pb2.StatsRequest(service="shop/orders"))).rows
    assert [(row.source, row.target, row.method, row.golden.calls) for row in rows] == [
        ("shop/orders", "shop/payments", "a.B/C", 3)
    ]
    assert len((await room.query.GetStats(telemetry_pb2.StatsRequest())).rows) == 2


async def test_a_trace_is_seen_at_once_and_kept_when_it_is_quiet(tmp_path: Path) -> None:
    clock = ManualClock()
    async with telemetry_room(tmp_path, clock) as room:
        trace_id = await room.sender("shop/orders").spans("a.B/C", children=2)
        (found,) = (await room.query.ListTraces(telemetry_pb2.ListTracesRequest())).traces
        assert (found.trace_id, found.spans, found.error) == (trace_id, 3, False)
        assert (found.root_service, found.root_method) == ("shop/orders", "a.B/C")
        await room.wait(QUIET_SECONDS + 1)
        assert (await room.query.ListTraces(telemetry_pb2.ListTracesRequest())).traces[0] == found
    async with telemetry_room(tmp_path, clock) as room:
        spans = (await room.query.GetTrace(telemetry_pb2.GetTraceRequest(trace_id=trace_id))).spans
        root = next(span for span in spans if not span.parent_span_id)
        assert [span.name for span in spans if span.parent_span_id == root.span_id] == ["attempt 1", "attempt 2"]
        assert root.attributes["rpc.method"] == "a.B/C"
        assert root.end_unix_nano >= root.start_unix_nano > 0


async def test_a_trace_that_goes_to_disk_while_it_is_asked_for_is_found(tmp_path: Path) -> None:
    clock, archive, waiting = ManualClock(), await Archive.open(tmp_path / "telemetry.db"), WaitingTraces()
    waiting.add("ab", Span("shop/orders", "01", "", "a.B/C", "CLIENT", 1, 2, 0, False, {}), now=0.0)
    intake = Intake(Rollups(0), Gauges(lambda change: None), Deltas(0), waiting, clock)
    query = QueryService(intake, archive, EventLog(clock), no_facts, clock, Stopping())
    context: Any = None
    one = asyncio.ensure_future(query.GetTrace(telemetry_pb2.GetTraceRequest(trace_id="ab"), context))
    all_ = asyncio.ensure_future(query.ListTraces(telemetry_pb2.ListTracesRequest(), context))
    await asyncio.sleep(0)  # both questions are at the disk now, where the trace is not yet
    await archive.run(archive.tables.write_traces, waiting.take(before=inf))
    assert [span.span_id for span in (await one).spans] == ["01"]
    assert [trace.trace_id for trace in (await all_).traces] == ["ab"]
    await archive.close()


async def no_facts() -> Facts:
    return Facts()


async def test_traces_are_searched_by_service_method_error_and_duration(room: Room) -> None:
    orders, web = room.sender("shop/orders"), room.sender("shop/web")
    good = await orders.spans("a.B/C")
    bad = await web.spans("a.B/D", error=True)

    async def found(**asked: Any) -> set[str]:
        return {one.trace_id for one in (await room.query.ListTraces(telemetry_pb2.ListTracesRequest(**asked))).traces}

    for _ in ("waiting", "kept"):
        assert await found() == {good, bad}
        assert await found(service="shop/orders") == {good}
        assert await found(method="a.B/D") == {bad}
        assert await found(service="shop/orders", method="a.B/D") == set()
        assert await found(service="shop/order") == set()
        assert await found(errors_only=True) == {bad}
        assert await found(min_duration_ms=60_000) == set()
        assert len(await found(limit=1)) == 1
        await room.wait(QUIET_SECONDS + 1)


async def test_the_failing_status_of_a_span_is_kept_as_its_number(room: Room) -> None:
    trace_id = await room.sender("shop/orders").spans("a.B/C", error=True)
    (span,) = (await room.query.GetTrace(telemetry_pb2.GetTraceRequest(trace_id=trace_id))).spans
    assert span.grpc_status == grpc.StatusCode.UNAVAILABLE.value[0]


async def test_events_are_newest_first_bounded_and_outlive_a_restart(tmp_path: Path) -> None:
    clock = ManualClock()
    async with telemetry_room(tmp_path, clock) as room:
        for index in range(3):
            room.telemetry.events.record("apply", f"revision {index}", "x" * 600)
            await clock.advance(1)
    async with telemetry_room(tmp_path, clock) as room:
        room.telemetry.events.record("joined", "shop/orders", "hello")
        events = (await room.query.ListEvents(telemetry_pb2.ListEventsRequest())).events
        assert [one.subject for one in events] == ["shop/orders", "revision 2", "revision 1", "revision 0"]
        assert len(events[1].message) == 500
        newest = await room.query.ListEvents(telemetry_pb2.ListEventsRequest(limit=2))
        assert [one.kind for one in newest.events] == ["joined", "apply"]
        since = telemetry_pb2.ListEventsRequest(since_unix_ms=START_MS + 2_000)
        assert [one.subject for one in (await room.query.ListEvents(since)).events] == ["shop/orders", "revision 2"]
