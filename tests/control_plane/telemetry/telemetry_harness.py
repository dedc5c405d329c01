"""A telemetry store behind a real gRPC server, a clock that tests move, and OpenTelemetry's own SDK as the sender."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from control_plane.caller import Caller, Workload
from control_plane.stopping import Stopping
from control_plane.telemetry.facts import Facts
from control_plane.telemetry.room import Telemetry
from control_plane.workload import WorkloadRef
from protos import names
from protos.tulle.v1.telemetry_pb2_grpc import TelemetryQueryStub

if TYPE_CHECKING:
    from protos.tulle.v1.telemetry_pb2_grpc import TelemetryQueryAsyncStub

# Before any real time, so that what the SDK stamps with the real one began after the store did.
BEGAN = datetime(2026, 1, 2, 3, 4, 0, tzinfo=UTC)


class ManualClock:
    """Time stands until a test moves it."""

    def __init__(self, now: datetime = BEGAN) -> None:
        self._now = now
        self._moved = asyncio.Condition()

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return (self._now - BEGAN).total_seconds()

    async def sleep(self, seconds: float) -> None:
        until = self._now + timedelta(seconds=seconds)
        async with self._moved:
            await self._moved.wait_for(lambda: self._now >= until)

    async def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        async with self._moved:
            self._moved.notify_all()


@dataclass
class Sender:
    """One instance of one service, exporting by the SDK."""

    address: str
    service: str
    instance: str = "1"
    claims: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        namespace, _, name = self.service.partition("/")
        who = {"service.namespace": namespace, "service.name": name, "service.instance.id": self.instance}
        self._resource = Resource({**who, **self.claims})
        exporter = OTLPMetricExporter(
            f"http://{self.address}",
            insecure=True,
            headers={"x-sender": self.service},
            timeout=5,
            preferred_aggregation={Histogram: ExponentialBucketHistogramAggregation()},
        )
        self._reader = PeriodicExportingMetricReader(exporter, export_interval_millis=float("inf"))
        self._provider = MeterProvider([self._reader], resource=self._resource)
        meter = self._provider.get_meter("sidecar")
        self._client = meter.create_histogram(names.CLIENT_CALL_DURATION, "s")
        self._server = meter.create_histogram(names.SERVER_CALL_DURATION, "s")
        self._sums = {
            name: meter.create_counter(name) for name in (names.REQUEST_BYTES, names.RESPONSE_BYTES, names.RETRIES)
        }
        self._gauges = {
            name: meter.create_gauge(name)
            for name in (
                names.ENDPOINT_STATE,
                names.ENDPOINT_CONSECUTIVE_FAILURES,
                names.ENDPOINT_IN_FLIGHT,
                names.ENDPOINT_EWMA,
                names.SERVICE_STATE,
                names.CERT_EXPIRY,
            )
        }

    def calls(self, target: str, *, count: int = 1, seconds: float = 0.01, **given: Any) -> None:
        """Calls out, as the caller's sidecar counts them."""
        attributes = {names.TARGET: target, names.SOURCE: self.service, names.CLUSTER: given.pop("cluster", target)}
        self._record(self._client, attributes, count, seconds, given)

    def answers(self, source: str, *, count: int = 1, seconds: float = 0.01, **given: Any) -> None:
        """Calls in, as the called one's sidecar counts them."""
        self._record(self._server, {names.TARGET: self.service, names.SOURCE: source}, count, seconds, given)

    def gauge(self, name: str, value: float, target: str = "", endpoint: str = "") -> None:
        attributes = {names.TARGET: target} if target else {}
        if endpoint:
            attributes |= {names.CLUSTER: target, names.ENDPOINT: endpoint}
        self._gauges[name].set(value, attributes)

    async def export(self) -> None:
        await asyncio.to_thread(self._provider.force_flush)

    async def spans(self, method: str, *, error: bool = False, children: int = 0) -> str:
        """A trace of a CLIENT span with some attempts; its id."""
        exporter = OTLPSpanExporter(
            f"http://{self.address}", insecure=True, headers={"x-sender": self.service}, timeout=5
        )
        provider = TracerProvider(resource=self._resource)
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        tracer = provider.get_tracer("sidecar")
        status = {names.RPC_METHOD: method, names.RPC_STATUS: "UNAVAILABLE" if error else "OK"}

        def emit() -> str:
            with tracer.start_as_current_span(method, attributes=status) as root:
                for attempt in range(children):
                    with tracer.start_as_current_span(
                        f"attempt {attempt + 1}", attributes={names.ATTEMPT: attempt + 1}
                    ):
                        pass
            provider.shutdown()
            return f"{root.get_span_context().trace_id:032x}"

        return await asyncio.to_thread(emit)

    async def close(self) -> None:
        await asyncio.to_thread(self._provider.shutdown)

    def _record(
        self, histogram: Any, attributes: dict[str, Any], count: int, seconds: float, given: dict[str, Any]
    ) -> None:
        attributes |= {
            names.RPC_METHOD: given.get("method", "a.B/C"),
            names.RPC_STATUS: given.get("status", "OK"),
            names.MTLS: given.get("mtls", True),
        }
        if "reason" in given:
            attributes[names.REASON] = given["reason"]
        for _ in range(count):
            histogram.record(seconds, attributes)
        self._sums[names.REQUEST_BYTES].add(100 * count, attributes)
        self._sums[names.RESPONSE_BYTES].add(1000 * count, attributes)
        self._sums[names.RETRIES].add(given.get("retries", 0), attributes)


@dataclass
class Room:
    telemetry: Telemetry
    query: "TelemetryQueryAsyncStub"
    clock: ManualClock
    address: str
    stopping: Stopping
    facts: Facts = field(default_factory=Facts)
    _senders: list[Sender] = field(default_factory=list)

    def sender(self, service: str, instance: str = "1", **claims: str) -> Sender:
        sender = Sender(self.address, service, instance, {f"service.{key}": value for key, value in claims.items()})
        self._senders.append(sender)
        return sender

    def know(self, **facts: Any) -> None:
        self.facts = replace(self.facts, **facts)

    async def wait(self, seconds: float) -> None:
        """Let time pass, the room's own tick included."""
        for _ in range(int(seconds)):
            await self.clock.advance(1)
            await self.telemetry.tick()

    async def close_senders(self) -> None:
        for sender in self._senders:
            await sender.close()


def sender_of(context: "grpc.aio.ServicerContext[Any, Any]") -> Caller:
    """The stand-in for certificates: the workload that a header names."""
    named = dict(context.invocation_metadata() or ()).get("x-sender", "shop/nobody")
    return Workload(WorkloadRef.parse(str(named), "shop.local"))


@asynccontextmanager
async def telemetry_room(path: Path, clock: ManualClock | None = None) -> AsyncIterator[Room]:
    clock = clock or ManualClock()
    telemetry, stopping = await Telemetry.open(path / "telemetry.db", clock), Stopping()
    server = grpc.aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        room = Room(telemetry, TelemetryQueryStub(channel), clock, f"127.0.0.1:{port}", stopping)

        async def facts() -> Facts:
            return room.facts

        telemetry.register(server, sender_of, facts, stopping)
        await server.start()
        try:
            yield room
        finally:
            await room.close_senders()
            stopping.set()
            await server.stop(None)
            await telemetry.close()
