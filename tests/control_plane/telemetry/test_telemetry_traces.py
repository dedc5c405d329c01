"""Traces on their way to disk: packed, merged with what is there, waiting until the slowest sender has sent."""

import json
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from control_plane.telemetry import traces as traces_module
from control_plane.telemetry.codec import pack_spans, unpack_spans
from control_plane.telemetry.spans import Span
from control_plane.telemetry.tables import Tables
from control_plane.telemetry.traces import TraceFilter, WaitingTraces
from protos.tulle.v1 import telemetry_pb2
from tests.control_plane.telemetry.telemetry_harness import telemetry_room

SPANS_EVERY_SECONDS = 5
"""How far apart a sidecar's exports of spans are."""
ATTRIBUTES = {"rpc.method": "a.B/C", "tulle.reason": 'é "quoted" 🚀', "empty": ""}


def span(name: str, parent: str = "", service: str = "shop/orders") -> Span:
    return Span(
        service=service,
        span_id=name,
        parent_span_id=parent,
        name=name,
        kind="CLIENT",
        start=1_800_000_000_123_456_789,
        end=1_800_000_000_223_456_789,
        grpc_status=14,
        error=True,
        attributes=dict(ATTRIBUTES),
    )


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[Tables]:
    tables = Tables(tmp_path / "t.db")
    yield tables
    tables.close()


def test_spans_read_back_as_they_were_packed_their_attributes_too() -> None:
    spans = [span("root"), span("child", "root")]
    assert unpack_spans(pack_spans(spans)) == spans
    assert unpack_spans(pack_spans(spans))[0].attributes == ATTRIBUTES


def test_a_trace_longer_than_the_window_of_the_packer_reads_back() -> None:
    spans = [span(f"{index:016x}") for index in range(2_000)]
    assert unpack_spans(pack_spans(spans)) == spans


def test_spans_of_an_earlier_version_are_read() -> None:
    """Which packed them with zlib's default window."""
    earlier = zlib.compress(json.dumps([list(span("root"))]).encode())
    assert unpack_spans(earlier) == [span("root")]


def test_a_trace_that_comes_in_two_batches_is_kept_whole(tables: Tables) -> None:
    tables.write_traces({"a": [span("root")], "b": [span("other")]})
    tables.write_traces({"c": [span("new")], "a": [span("child", "root", "shop/payments")]})
    assert {one.span_id for one in tables.read_trace("a")} == {"root", "child"}
    assert [one.span_id for one in tables.read_trace("b")] == ["other"]
    assert [one.span_id for one in tables.read_trace("c")] == ["new"]
    (found,) = tables.find_traces(TraceFilter(service="shop/payments"))
    assert (found.trace_id, found.spans, found.root_method) == ("a", 2, "a.B/C")


def test_a_span_that_was_sent_twice_is_kept_once_as_it_was_sent_last(tables: Tables) -> None:
    tables.write_traces({"a": [span("root"), span("child", "root")]})
    tables.write_traces({"a": [span("root")._replace(name="later")]})
    assert sorted(one.name for one in tables.read_trace("a")) == ["child", "later"]


def test_in_a_crowd_the_traces_quiet_for_longest_go_first_and_the_others_wait_on(
    monkeypatch: pytest.MonkeyPatch, tables: Tables
) -> None:
    monkeypatch.setattr(traces_module, "CROWDED_SPANS", 3)
    waiting = WaitingTraces()
    for now, (trace_id, name) in enumerate([("a", "root"), ("b", "root"), ("c", "root"), ("b", "child")]):
        assert waiting.add(trace_id, span(name), float(now))
    taken = waiting.take(before=-1.0)
    assert list(taken) == ["a"]
    assert waiting.take(before=-1.0) == {}
    # What comes of it later finds its trace on disk.
    tables.write_traces(taken)
    assert waiting.add("a", span("late", "root"), 4.0)
    tables.write_traces(waiting.take(before=4.0))
    assert {one.span_id for one in tables.read_trace("a")} == {"root", "late"}
    assert len(tables.read_trace("b")) == 2


async def test_a_trace_whose_parts_come_five_seconds_apart_is_seen_at_each_time_and_written_once(
    tmp_path: Path,
) -> None:
    async with telemetry_room(tmp_path) as room:
        waiting, kept = room.telemetry._intake.waiting, room.telemetry._archive.tables

        async def seen() -> list[tuple[str, int]]:
            found = await room.query.ListTraces(telemetry_pb2.ListTracesRequest())
            return [(one.trace_id, one.spans) for one in found.traces]

        waiting.add("a", span("root"), room.clock.monotonic())
        await room.wait(SPANS_EVERY_SECONDS)
        assert (await seen(), kept.read_trace("a")) == ([("a", 1)], [])
        waiting.add("a", span("child", "root"), room.clock.monotonic())
        await room.wait(SPANS_EVERY_SECONDS)
        assert (await seen(), kept.read_trace("a")) == ([("a", 2)], [])
        await room.wait(1)
        assert (await seen(), waiting.get("a")) == ([("a", 2)], [])
        assert len(kept.read_trace("a")) == 2
