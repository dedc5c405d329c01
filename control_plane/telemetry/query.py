"""The `TelemetryQuery` servicer (protos/tulle/v1/telemetry.proto)."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Final

import grpc
from typing_extensions import override

from control_plane.clock import Clock
from control_plane.errors import AbsentError, InvalidError
from control_plane.stopping import Stopping
from control_plane.telemetry.archive import Archive
from control_plane.telemetry.calls import golden
from control_plane.telemetry.events import EventLog
from control_plane.telemetry.facts import ReadFacts
from control_plane.telemetry.history import CallHistory, Range
from control_plane.telemetry.ingest import Intake
from control_plane.telemetry.series import BOUNDS_MS, heat, points
from control_plane.telemetry.spans import Span
from control_plane.telemetry.streams import timed
from control_plane.telemetry.topology import Window, topology
from control_plane.telemetry.traces import TraceFilter
from control_plane.telemetry.views import by_method
from protos.tulle.v1 import telemetry_pb2, telemetry_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]

WINDOW_MS: Final = (1_000, 60_000, 900_000)
PERIOD_MS: Final = (250, 1_000, 60_000)
STEP_MS: Final = (1_000, 1_000, 600_000)
LISTED_TRACES: Final = 50
MOST_TRACES: Final = 1_000


class OutOfRangeError(InvalidError):
    """A number of a request is outside of what its field takes."""


class UnknownTraceError(AbsentError):
    """No span of the trace is kept."""


class QueryService(telemetry_pb2_grpc.TelemetryQueryServicer):
    """Reads what `Intake` and `Archive` keep. Who may ask is the guard's to say."""

    def __init__(
        self, intake: Intake, archive: Archive, events: EventLog, facts: ReadFacts, clock: Clock, stopping: Stopping
    ) -> None:
        self._intake = intake
        self._archive = archive
        self._events = events
        self._facts = facts
        self._clock = clock
        self._stopping = stopping
        self._history = CallHistory(intake.rollups, archive)

    @override
    async def GetTopology(self, request: telemetry_pb2.TopologyRequest, context: Context) -> telemetry_pb2.Topology:
        return await self._topology(_in_range("window_ms", request.window_ms, WINDOW_MS))

    @override
    async def WatchTopology(
        self, request: telemetry_pb2.TopologyRequest, context: Context
    ) -> AsyncIterator[telemetry_pb2.Topology]:
        window = _in_range("window_ms", request.window_ms, WINDOW_MS)
        period = _in_range("period_ms", request.period_ms, PERIOD_MS) / 1000
        while True:
            # Made when the stream can take it, never queued: a slow reader gets fewer, and always the newest.
            yield await self._topology(window)
            await self._stopping.unless(self._clock.sleep(period))

    @override
    async def GetSeries(self, request: telemetry_pb2.SeriesRequest, context: Context) -> telemetry_pb2.SeriesResponse:
        now = int(self._clock.now().timestamp())
        step = _in_range("step_ms", request.step_ms, STEP_MS) // 1000
        end = min(request.to_unix_ms // 1000 or now + 1, now + 1)
        asked = Range(request.from_unix_ms // 1000, end, step)
        steps = await self._history.read(asked, now, request.service)
        # Of one method that is asked for, a stream's life is what there is to see.
        streams = {} if request.method else (await self._facts()).streams
        rows = [list(timed(points(step.calls, request), streams)) for step in steps]
        return telemetry_pb2.SeriesResponse(
            time_unix_ms=[1000 * step.start for step in steps],
            points=[golden(found, step.seconds) for step, found in zip(steps, rows, strict=True)],
            bounds_ms=BOUNDS_MS,
            heat=[heat(found) for found in rows],
        )

    @override
    async def GetStats(self, request: telemetry_pb2.StatsRequest, context: Context) -> telemetry_pb2.StatsResponse:
        window = self._window(_in_range("window_ms", request.window_ms, WINDOW_MS))
        rows = [
            telemetry_pb2.StatRow(source=source, target=target, method=method, golden=golden(found, window.seconds))
            for (source, target, method), found in sorted(by_method(window.calls).items())
            if request.service in ("", source, target)
        ]
        return telemetry_pb2.StatsResponse(rows=rows)

    @override
    async def ListTraces(
        self, request: telemetry_pb2.ListTracesRequest, context: Context
    ) -> telemetry_pb2.ListTracesResponse:
        wanted = TraceFilter(
            service=request.service,
            method=request.method,
            limit=min(request.limit or LISTED_TRACES, MOST_TRACES),
            errors_only=request.errors_only,
            min_duration_ms=request.min_duration_ms,
        )
        # Memory is read first: a trace goes from there to disk, never back.
        waiting = self._intake.waiting.find(wanted)
        kept = await self._archive.run(self._archive.tables.find_traces, wanted)
        found = {summary.trace_id: summary for summary in (*kept, *waiting)}
        newest = sorted(found.values(), key=lambda one: one.start_unix_ms, reverse=True)[: wanted.limit]
        return telemetry_pb2.ListTracesResponse(
            traces=[
                telemetry_pb2.TraceSummary(
                    trace_id=one.trace_id,
                    start_unix_ms=one.start_unix_ms,
                    duration_ms=one.duration_ms,
                    root_service=one.root_service,
                    root_method=one.root_method,
                    spans=one.spans,
                    error=one.error,
                )
                for one in newest
            ]
        )

    @override
    async def GetTrace(
        self, request: telemetry_pb2.GetTraceRequest, context: Context
    ) -> telemetry_pb2.GetTraceResponse:
        trace_id = request.trace_id.lower()
        waiting = self._intake.waiting.get(trace_id)
        kept = await self._archive.run(self._archive.tables.read_trace, trace_id)
        spans = {span.span_id: span for span in (*kept, *waiting)}
        if not spans:
            raise UnknownTraceError(
                f"trace {request.trace_id!r} is not kept", hint="traces are kept for 24 h, if sampled"
            )
        return telemetry_pb2.GetTraceResponse(spans=[_stored(one) for one in sorted(spans.values(), key=_by_start)])

    @override
    async def ListEvents(
        self, request: telemetry_pb2.ListEventsRequest, context: Context
    ) -> telemetry_pb2.ListEventsResponse:
        found = self._events.list(request.since_unix_ms, request.limit)
        return telemetry_pb2.ListEventsResponse(
            events=[
                telemetry_pb2.Event(
                    time_unix_ms=one.time_unix_ms, kind=one.kind, subject=one.subject, message=one.message
                )
                for one in found
            ]
        )

    async def _topology(self, window_ms: int) -> telemetry_pb2.Topology:
        facts = await self._facts()
        self._intake.gauges.expire(self._clock.monotonic())
        return topology(self._window(window_ms), self._intake.gauges, facts)

    def _window(self, window_ms: int) -> Window:
        """The newest stretch, never longer than there has been anything to count: a rate is true from the start."""
        now: datetime = self._clock.now()
        end = int(now.timestamp()) + 1
        start = max(end - max(1, window_ms // 1000), self._intake.rollups.began)
        calls = self._intake.rollups.window(start, end)
        return Window(calls, float(max(1, end - start)), int(now.timestamp() * 1000), window_ms)


def _in_range(field: str, value: int, bounds: tuple[int, int, int]) -> int:
    lowest, default, highest = bounds
    if value and not lowest <= value <= highest:
        raise OutOfRangeError(f"{field} {value} is out of range", hint=f"use {lowest} to {highest}, or 0 for {default}")
    return value or default


def _by_start(span: Span) -> int:
    return span.start


def _stored(span: Span) -> telemetry_pb2.StoredSpan:
    return telemetry_pb2.StoredSpan(
        service=span.service,
        span_id=span.span_id,
        parent_span_id=span.parent_span_id,
        name=span.name,
        kind=span.kind,
        start_unix_nano=span.start,
        end_unix_nano=span.end,
        grpc_status=span.grpc_status,
        attributes=span.attributes,
    )
