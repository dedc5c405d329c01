"""Out by OTLP: to the control plane by default, as OpenTelemetry's variables say otherwise, never in the way."""

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from protos import names
from protos.tulle.v1 import engine_pb2
from sidecar.engine import Engine
from sidecar.errors import InvalidSettingError
from sidecar.link import Link
from sidecar.telemetry.drain import Drain, Drained
from sidecar.telemetry.home import Home
from sidecar.telemetry.otlp import Otlp
from sidecar.telemetry.pace import EVERYTHING, Due, Pace
from sidecar.telemetry.pump import Pump, step_back
from sidecar.telemetry.settings import TelemetrySettings
from tests.sidecar.authority import Authority, public_key
from tests.sidecar.clocks import ManualClock
from tests.sidecar.other_side import OtherSide
from tests.sidecar.readings import INBOUND, SERVICE, outbound, span
from tests.sidecar.stand_in_engine import StandInEngine

LIMIT = 15
EACH_SECOND = Pace.of(timedelta(seconds=1), timedelta(seconds=1))
RESOURCE = {"service.namespace": "shop", "service.name": "orders", "service.instance.id": "orders-1"}


class Counting:
    """An engine that counts one outbound series and hands over spans once, to those who ask for them."""

    def __init__(self, *spans: engine_pb2.Span) -> None:
        self.spans = list(spans)

    def drain_telemetry(self, *, spans: bool) -> tuple[bytes, int]:
        telemetry = engine_pb2.Telemetry(start_unix_nano=10, time_unix_nano=20, calls=[outbound()])
        waited = len(self.spans)
        if spans:
            telemetry.spans.extend(self.spans)
            self.spans = []
        return telemetry.SerializeToString(), waited


def drain(*spans: engine_pb2.Span) -> Drain:
    return Drain(Counting(*spans), SERVICE, lambda: 0)


Made = Callable[..., Home | Otlp]


@pytest.fixture
def home(real_engine: Engine) -> Made:
    """Without the SDK: the engine speaks for itself."""
    return lambda **environ: Home(TelemetrySettings.read(environ, otlp=True), RESOURCE, "0.1.0", real_engine)


@pytest.fixture
def sdk() -> Made:
    return lambda **environ: Otlp(TelemetrySettings.read(environ, otlp=True), RESOURCE, "0.1.0")


@pytest.fixture(params=["home", "sdk"], ids=["without the SDK", "with the SDK"])
def otlp(request: pytest.FixtureRequest) -> Made:
    """Both ways out keep the same promises."""
    made: Made = request.getfixturevalue(request.param)
    return made


@pytest.fixture
async def link(joined: StandInEngine, other_side: OtherSide) -> Link:
    return Link(other_side.address, joined.identity_dir)


async def test_metrics_and_spans_reach_the_control_plane_with_the_svid(
    link: Link, other_side: OtherSide, otlp: Made
) -> None:
    failed = span(grpc_status=14, reason="no_endpoints", attempt=True, attempt_number=2, parent_span_id=b"parentid")
    pump = Pump(drain(span(), failed), otlp(), link, EACH_SECOND)
    await pump.send()
    metrics = await asyncio.wait_for(other_side.metrics.taken.get(), LIMIT)
    traces = await asyncio.wait_for(other_side.traces.taken.get(), LIMIT)
    await pump.finish()
    await link.close()

    (resource_metrics,) = metrics.resource_metrics
    attributes = {one.key: one.value.string_value for one in resource_metrics.resource.attributes}
    assert RESOURCE.items() <= attributes.items()
    by_name = {metric.name: metric for metric in resource_metrics.scope_metrics[0].metrics}
    (point,) = by_name[names.CLIENT_CALL_DURATION].exponential_histogram.data_points
    assert (point.count, point.start_time_unix_nano, point.time_unix_nano) == (3, 10, 20)
    assert sum(point.positive.bucket_counts) == 3
    assert by_name[names.RETRIES].sum.is_monotonic

    first, second = traces.resource_spans[0].scope_spans[0].spans
    assert first.name == "shop.v1.Payments/Charge"
    assert (first.trace_id, first.span_id, first.parent_span_id) == (bytes(range(16)), bytes(range(8)), b"")
    assert (second.parent_span_id, second.status.code, second.status.message) == (b"parentid", 2, "no_endpoints")
    assert {names.ATTEMPT, names.REASON} <= {one.key for one in second.attributes}


async def test_a_server_span_fails_only_by_its_own_fault(link: Link, other_side: OtherSide, otlp: Made) -> None:
    caller = "spiffe://shop.local/shop/web"
    codes = (0, 5, 13)
    spans = [span(direction=INBOUND, peer=caller, grpc_status=code) for code in codes]
    pump = Pump(drain(*spans), otlp(), link, EACH_SECOND)
    await pump.send()
    traces = await asyncio.wait_for(other_side.traces.taken.get(), LIMIT)
    await pump.finish()
    await link.close()
    taken = traces.resource_spans[0].scope_spans[0].spans
    assert [one.status.code == 2 for one in taken] == [False, False, True]
    assert {one.kind for one in taken} == {2}


async def test_spans_that_were_not_taken_are_sent_again(link: Link, other_side: OtherSide, otlp: Made) -> None:
    await other_side.stop()
    pump = Pump(drain(span()), otlp(), link, EACH_SECOND)
    await pump.send()
    await other_side.start()
    await pump.send()
    traces = await asyncio.wait_for(other_side.traces.taken.get(), LIMIT)
    assert len(traces.resource_spans[0].scope_spans[0].spans) == 1
    await pump.finish()
    await link.close()


async def test_a_control_plane_that_restarts_between_two_exports_costs_nothing(
    link: Link, other_side: OtherSide, home: Made
) -> None:
    """Each span arrives at least once: a request whose answer was lost would be sent again, here none is."""
    engine = Counting(span())
    pump = Pump(Drain(engine, SERVICE, lambda: 0), home(), link, EACH_SECOND)
    await pump.send()
    await other_side.stop()
    await other_side.start()
    engine.spans = [span(), span()]
    await pump.send()
    sent = [await asyncio.wait_for(other_side.traces.taken.get(), LIMIT) for _ in range(2)]
    assert [len(one.resource_spans[0].scope_spans[0].spans) for one in sent] == [1, 2]
    assert (other_side.traces.taken.qsize(), other_side.metrics.taken.qsize()) == (0, 2)
    await pump.finish()
    await link.close()


async def test_an_outage_is_told_once_with_its_cause(
    link: Link, other_side: OtherSide, home: Made, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "sidecar.telemetry")
    await other_side.stop()
    pump = Pump(drain(), home(), link, EACH_SECOND)
    await pump.send()
    await pump.send()
    await other_side.start()
    await pump.send()
    first, last = [record.getMessage() for record in caplog.records]
    assert first.startswith("telemetry is not taken by the control plane; trying again: ")
    assert f"cannot connect to {other_side.address}" in first
    assert last == "telemetry is taken again"
    await pump.finish()
    await link.close()


async def test_a_renewed_svid_is_shown_from_the_next_export_on(
    link: Link, other_side: OtherSide, authority: Authority, real_engine: Engine, home: Made
) -> None:
    pump = Pump(drain(), home(), link, EACH_SECOND)
    await pump.send()
    chain = authority.svid(await real_engine.create_csr(), "spiffe://shop.local/shop/payments")
    await real_engine.set_identity(chain, authority.root_pem)
    await pump.send()
    before, after = other_side.metrics.shown
    assert public_key(before.encode()) != public_key(after.encode()) == public_key(chain)
    await pump.finish()
    await link.close()


async def test_a_slow_endpoint_holds_up_no_one(link: Link) -> None:
    release, begun = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    class Slow:
        def aim(self, control_plane: str, credentials: object) -> None:
            loop.call_soon_threadsafe(begun.set)

        def export(self, drained: object, due: object) -> bool:
            return release.wait(LIMIT)

        def close(self) -> None:
            release.set()

    pump, clock = Pump(drain(), Slow(), link, EACH_SECOND), ManualClock()
    task = asyncio.create_task(pump.run(clock))
    assert await clock.wake() == 1
    await asyncio.wait_for(begun.wait(), LIMIT)
    # The loop turns while the exporter hangs in its thread.
    assert not task.done()
    release.set()
    assert await asyncio.wait_for(clock.wake(), LIMIT) == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await pump.finish()
    await link.close()


async def test_spans_that_are_kept_go_before_new_ones_are_taken(link: Link, other_side: OtherSide, otlp: Made) -> None:
    await other_side.stop()
    engine = Counting(span())
    pump = Pump(Drain(engine, SERVICE, lambda: 0), otlp(), link, EACH_SECOND)
    await pump.send()
    engine.spans = [span(), span()]
    await pump.send()
    assert len(engine.spans) == 2, "what waits in the engine is bounded and counted there"
    await other_side.start()
    await pump.send()
    await pump.send()
    sent = [await asyncio.wait_for(other_side.traces.taken.get(), LIMIT) for _ in range(2)]
    assert [len(one.resource_spans[0].scope_spans[0].spans) for one in sent] == [1, 2]
    await pump.finish()
    await link.close()


async def test_a_reader_of_counters_leaves_the_spans_to_the_exporter() -> None:
    source = drain(span())
    assert not source.counters().parsed().telemetry.spans
    assert source.counters().spans == 1
    assert len(source.everything().parsed().telemetry.spans) == 1
    assert source.everything().spans == 0


class Noting:
    """An exporter that notes what was due and how many spans it was given."""

    def __init__(self) -> None:
        self.seen: list[tuple[bool, int]] = []

    def aim(self, control_plane: str, credentials: object) -> None: ...

    def export(self, drained: Drained, due: Due) -> bool:
        self.seen.append((due.metrics, drained.spans if due.spans else 0))
        return True

    def close(self) -> None: ...


async def test_spans_go_in_batches_of_five_seconds_and_metrics_each_second(link: Link) -> None:
    class OneMoreEachTime(Counting):
        def drain_telemetry(self, *, spans: bool) -> tuple[bytes, int]:
            self.spans.append(span())
            return super().drain_telemetry(spans=spans)

    engine, exporter, clock = OneMoreEachTime(), Noting(), ManualClock()
    settings = TelemetrySettings.read({}, otlp=True)
    pump = Pump(Drain(engine, SERVICE, lambda: 0), exporter, link, Pace.of(settings.interval, settings.span_delay))
    task = asyncio.create_task(pump.run(clock))
    for _ in range(10):
        assert await asyncio.wait_for(clock.wake(), LIMIT) == 1
    await asyncio.wait_for(clock.wake(), LIMIT)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert exporter.seen[:10] == [*[(True, 0)] * 4, (True, 5)] * 2
    await pump.finish()
    await link.close()


async def test_many_spans_do_not_wait_for_their_time(link: Link) -> None:
    engine, exporter = Counting(*[span()] * 300), Noting()
    pump = Pump(Drain(engine, SERVICE, lambda: 0), exporter, link, EACH_SECOND)
    only_metrics = Due(metrics=True, spans=False)
    for _ in range(3):
        await pump.send(only_metrics)
    assert exporter.seen == [(True, 0), (True, 300), (True, 0)]
    await pump.finish()
    await link.close()


@pytest.mark.parametrize(
    ("metrics", "spans", "first_six"),
    [
        (1, 5, "m m m m ms m"),
        (10, 5, "s ms s ms s ms"),
        (1, 1, "ms ms ms ms ms ms"),
        (2, 5, "m ms m ms m ms"),
    ],
)
def test_each_signal_keeps_its_own_interval(metrics: int, spans: int, first_six: str) -> None:
    pace = Pace.of(timedelta(seconds=metrics), timedelta(seconds=spans))
    due = [pace.due(number) for number in range(1, 7)]
    assert " ".join("m" * one.metrics + "s" * one.spans for one in due) == first_six
    assert pace.tick == min(metrics, spans)


def test_without_variables_everything_goes_to_the_control_plane() -> None:
    settings = TelemetrySettings.read({}, otlp=True)
    assert (settings.interval, settings.span_delay) == (timedelta(seconds=1), timedelta(seconds=5))
    assert (settings.metrics.exporter, settings.traces.exporter) == ("otlp", "otlp")
    assert not settings.metrics.has_endpoint
    assert settings.trace_ratio == 0.01


def test_opentelemetrys_variables_are_obeyed() -> None:
    read = TelemetrySettings.read
    assert not read({"OTEL_SDK_DISABLED": "true"}, otlp=True).exports
    assert not read({}, otlp=False).exports
    assert read({"OTEL_TRACES_EXPORTER": "none"}, otlp=True).traces.exporter == "none"
    assert read({"OTEL_METRICS_EXPORTER": "prometheus"}, otlp=True).metrics.exporter == "none"
    assert read({"OTEL_METRIC_EXPORT_INTERVAL": "5000"}, otlp=True).interval == timedelta(seconds=5)
    assert read({"OTEL_BSP_SCHEDULE_DELAY": "250"}, otlp=True).span_delay == timedelta(milliseconds=250)
    assert read({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4317"}, otlp=True).traces.has_endpoint
    assert read({"OTEL_TRACES_SAMPLER": "always_on"}, otlp=True).trace_ratio == 1
    ratio = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.25"}
    assert read(ratio, otlp=True).trace_ratio == 0.25


@pytest.mark.parametrize(
    ("environ", "needs"),
    [
        ({}, False),
        ({"OTEL_METRIC_EXPORT_INTERVAL": "5000", "OTEL_TRACES_SAMPLER": "always_on"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        ({"OTEL_EXPORTER_OTLP_TRACES_HEADERS": "a=b"}, True),
        ({"OTEL_RESOURCE_ATTRIBUTES": "zone=a"}, True),
        ({"OTEL_TRACES_EXPORTER": "console"}, True),
    ],
)
def test_the_sdk_is_needed_where_its_own_variables_are_set(environ: dict[str, str], needs: bool) -> None:
    assert TelemetrySettings.read(environ, otlp=True).needs_sdk is needs


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OTEL_METRIC_EXPORT_INTERVAL", "soon"),
        ("OTEL_BSP_SCHEDULE_DELAY", "0"),
        ("OTEL_METRICS_EXPORTER", "carrier-pigeon"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
        ("OTEL_TRACES_SAMPLER", "sometimes"),
    ],
)
def test_a_wrong_variable_is_named(variable: str, value: str) -> None:
    with pytest.raises(InvalidSettingError, match=variable):
        TelemetrySettings.read({variable: value}, otlp=True)


def test_a_signal_that_is_turned_off_is_not_made(otlp: Made) -> None:
    exporter = otlp(OTEL_METRICS_EXPORTER="none", OTEL_TRACES_EXPORTER="none")
    assert exporter.export(drain(span()).everything(), EVERYTHING)
    exporter.close()


def test_exports_step_back_behind_calls_and_the_agent_does_not() -> None:
    before = os.getpriority(os.PRIO_PROCESS, 0)
    with ThreadPoolExecutor(1, initializer=step_back) as thread:
        exporting = thread.submit(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id())).result()
    assert exporting == 19
    assert os.getpriority(os.PRIO_PROCESS, 0) == before
