"""Telemetry, put together: open it, register it with the server, run it beside the rest, close it."""

import logging
from pathlib import Path
from typing import Final, Self

import grpc
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import add_MetricsServiceServicer_to_server
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import add_TraceServiceServicer_to_server

from control_plane.caller import CallerOf
from control_plane.clock import Clock
from control_plane.stopping import Stopping
from control_plane.telemetry.archive import Archive
from control_plane.telemetry.deltas import Deltas
from control_plane.telemetry.events import EventLog
from control_plane.telemetry.facts import ReadFacts
from control_plane.telemetry.gauges import Gauges, StateChange
from control_plane.telemetry.ingest import Dropped, Intake, MetricsIngest, TraceIngest
from control_plane.telemetry.query import QueryService
from control_plane.telemetry.rollups import Rollups
from control_plane.telemetry.traces import QUIET_SECONDS, WaitingTraces
from protos.tulle.v1.telemetry_pb2_grpc import add_TelemetryQueryServicer_to_server

TICK_SECONDS: Final = 1.0
TRIM_EVERY: Final = 60
# Coarse step, and the finer one that it is made of.
COARSER: Final = ((60, 10), (600, 60))

log = logging.getLogger(__name__)


class Telemetry:
    """The telemetry store. `events` is the control plane's `EventSink`."""

    def __init__(self, archive: Archive, events: EventLog, clock: Clock) -> None:
        now = clock.now().timestamp()
        self.events = events
        self._archive = archive
        self._clock = clock
        self._trim_at = int(now)
        self._intake = Intake(
            rollups=Rollups(int(now)),
            gauges=Gauges(self._breaker_changed),
            deltas=Deltas(int(now * 1e9)),
            waiting=WaitingTraces(),
            clock=clock,
        )

    @classmethod
    async def open(cls, path: Path, clock: Clock) -> Self:
        """Open or create the telemetry file. TelemetryFileError: it cannot be used."""
        archive = await Archive.open(path)
        await archive.run(archive.tables.catch_up)
        saved = await archive.run(archive.tables.read_events)
        return cls(archive, EventLog(clock, saved), clock)

    def register(self, server: grpc.aio.Server, caller: CallerOf, facts: ReadFacts, stopping: Stopping) -> None:
        """Add the two OTLP services and `TelemetryQuery` to a server."""
        query = QueryService(self._intake, self._archive, self.events, facts, self._clock, stopping)
        # These two are generated without types.
        add_MetricsServiceServicer_to_server(MetricsIngest(self._intake, caller), server)  # type: ignore[no-untyped-call]
        add_TraceServiceServicer_to_server(TraceIngest(self._intake, caller), server)  # type: ignore[no-untyped-call]
        add_TelemetryQueryServicer_to_server(query, server)

    @property
    def dropped(self) -> Dropped:
        """What bounds made this store drop, for the control plane's own metrics."""
        return self._intake.dropped

    async def run(self) -> None:
        """Roll up, save and trim for ever. What fails is logged and tried again: telemetry stops no call."""
        while True:
            await self._clock.sleep(TICK_SECONDS)
            try:
                await self.tick()
            except Exception:
                log.exception("telemetry could not be saved")

    async def tick(self) -> None:
        """What is done each second."""
        now = int(self._clock.now().timestamp())
        self._intake.gauges.expire(self._clock.monotonic())
        await self._save(now, self._clock.monotonic() - QUIET_SECONDS)
        if now >= self._trim_at:
            self._trim_at = now + TRIM_EVERY
            await self._archive.run(self._archive.tables.trim, now)

    async def close(self) -> None:
        """Save what is still in memory, then close the file."""
        now = int(self._clock.now().timestamp())
        await self._save(now, self._clock.monotonic())
        start, slot = self._intake.rollups.unfinished(now + 1)
        if slot:
            await self._archive.run(self._archive.tables.add_slot, 10, start, slot)
        await self._archive.close()

    async def _save(self, now: int, quiet_since: float) -> None:
        tables = self._archive.tables
        for start, slot in self._intake.rollups.close(now):
            if slot:
                await self._archive.run(tables.add_slot, 10, start, slot)
            for step, finer in COARSER:
                if (start + 10) % step == 0:
                    await self._archive.run(tables.roll_up, finer, step, start + 10 - step)
        traces = self._intake.waiting.take(quiet_since)
        if traces:
            await self._archive.run(tables.write_traces, traces)
        events = self.events.unsaved()
        if events:
            await self._archive.run(tables.write_events, events)

    def _breaker_changed(self, change: StateChange) -> None:
        subject, caller = change.subject, change.caller
        if change.opened:
            failures = f" after {change.consecutive_failures} failures in a row" if change.consecutive_failures else ""
            message = f"{caller} stopped calling {subject.endpoint} of {subject.target}{failures}"
            self.events.record("ejected", subject.target, message)
        else:
            message = f"{caller} calls {subject.endpoint} of {subject.target} again"
            self.events.record("restored", subject.target, message)
