"""OTLP as OpenTelemetry's SDK sends it, over a real server: who sends it is who it is about."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics_api
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import MetricsServiceStub
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1 import metrics_pb2 as otlp
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from control_plane.telemetry.deltas import MAX_SERIES_A_RESOURCE
from control_plane.telemetry.ingest import ForeignResourceError, identify
from control_plane.workload import WorkloadRef
from protos import names
from protos.tulle.v1 import telemetry_pb2
from tests.control_plane.telemetry.telemetry_harness import ManualClock, Room, telemetry_room


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with telemetry_room(tmp_path) as room:
        yield room


async def edge(room: Room, source: str, target: str) -> telemetry_pb2.Golden:
    found = await room.query.GetTopology(telemetry_pb2.TopologyRequest())
    return next(
        (one.golden for one in found.edges if (one.source, one.target) == (source, target)), telemetry_pb2.Golden()
    )


def attribute(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


async def sent(room: Room, batch: otlp.ResourceMetrics) -> metrics_api.ExportMetricsServiceResponse:
    async with grpc.aio.insecure_channel(room.address) as channel:
        stub: Any = MetricsServiceStub(channel)  # type: ignore[no-untyped-call] # it has no types
        request = metrics_api.ExportMetricsServiceRequest(resource_metrics=[batch])
        response = await stub.Export(request, metadata=(("x-sender", "shop/orders"),))
    assert isinstance(response, metrics_api.ExportMetricsServiceResponse)
    return response


async def test_golden_metrics_are_what_the_sdk_measured(room: Room) -> None:
    orders = room.sender("shop/orders")
    orders.calls("shop/payments", count=90, seconds=0.010)
    orders.calls("shop/payments", count=9, seconds=0.100, status="UNAVAILABLE", retries=3)
    orders.calls("shop/payments", count=1, seconds=1.0, status="NOT_FOUND")
    await room.wait(9)
    await orders.export()
    golden = await edge(room, "shop/orders", "shop/payments")
    assert (golden.calls, golden.faults, golden.client_errors, golden.retries) == (100, 9, 1, 3)
    assert golden.rate == pytest.approx(10)
    assert golden.p50_ms == pytest.approx(10, rel=0.045)
    assert golden.p95_ms == pytest.approx(100, rel=0.045)
    assert golden.p99_ms == pytest.approx(100, rel=0.045)
    assert golden.request_bytes_rate == pytest.approx(1000)
    assert golden.response_bytes_rate == pytest.approx(10_000)


async def test_cumulative_exports_count_each_call_once(room: Room) -> None:
    orders = room.sender("shop/orders")
    for _ in range(3):
        orders.calls("shop/payments", count=5)
        await orders.export()
        await room.wait(1)
    await orders.export()
    assert (await edge(room, "shop/orders", "shop/payments")).calls == 15


async def test_a_restarted_sidecar_begins_anew_and_two_instances_add_up(room: Room) -> None:
    for instance in ("1", "1", "2"):
        sender = room.sender("shop/orders", instance)
        sender.calls("shop/payments", count=4)
        await sender.export()
    assert (await edge(room, "shop/orders", "shop/payments")).calls == 12


async def test_a_restarted_control_plane_takes_old_counts_as_the_base(tmp_path: Path) -> None:
    # This store began after anything that the SDK stamps with the real time.
    late = ManualClock(ManualClock().now() + timedelta(days=36_500))
    async with telemetry_room(tmp_path, late) as room:
        orders = room.sender("shop/orders")
        orders.calls("shop/payments", count=500)
        await orders.export()
        assert (await edge(room, "shop/orders", "shop/payments")).calls == 0
        orders.calls("shop/payments", count=2)
        orders.calls("shop/stock", count=3)
        await orders.export()
        assert (await edge(room, "shop/orders", "shop/payments")).calls == 2
        assert (await edge(room, "shop/orders", "shop/stock")).calls == 3


async def test_calls_leave_the_window_when_their_time_is_over(room: Room) -> None:
    orders = room.sender("shop/orders")
    orders.calls("shop/payments", count=4)
    await orders.export()
    await room.wait(59)
    assert (await edge(room, "shop/orders", "shop/payments")).calls == 4
    await room.wait(1)
    assert (await edge(room, "shop/orders", "shop/payments")).calls == 0


async def test_the_sender_is_the_source_whatever_its_series_say(room: Room) -> None:
    evil = room.sender("shop/evil")
    evil.service = "shop/orders"
    evil.calls("shop/payments", count=4)
    await evil.export()
    assert (await edge(room, "shop/orders", "shop/payments")).calls == 0
    assert (await edge(room, "shop/evil", "shop/payments")).calls == 4


def test_a_resource_of_another_service_is_refused_with_the_remedy() -> None:
    sender = WorkloadRef("shop", "evil", "shop.local")
    resource = Resource(attributes=[attribute("service.name", "orders"), attribute("service.namespace", "shop")])
    with pytest.raises(ForeignResourceError, match="the resource says shop/orders, the certificate says shop/evil"):
        identify(resource, sender)


def test_an_application_that_does_not_name_itself_is_the_sender() -> None:
    sender = WorkloadRef("shop", "orders", "shop.local")
    assert identify(Resource(), sender) == ("shop/orders", "")
    assert (
        identify(Resource(attributes=[attribute("service.name", "unknown_service:python")]), sender)[0] == "shop/orders"
    )


async def test_a_refused_resource_leaves_nothing_behind(room: Room) -> None:
    liar = room.sender("shop/orders", name="payments")
    liar.calls("shop/stock")
    await liar.export()
    found = await room.query.GetTopology(telemetry_pb2.TopologyRequest())
    assert list(found.edges) == []


async def test_too_many_series_are_dropped_and_told_in_one_line(room: Room) -> None:
    points = [
        otlp.NumberDataPoint(
            attributes=[attribute(names.RPC_METHOD, f"a.B/C{index}")], as_int=1, start_time_unix_nano=1
        )
        for index in range(MAX_SERIES_A_RESOURCE + 5)
    ]
    sums = otlp.Sum(
        data_points=points, aggregation_temporality=otlp.AGGREGATION_TEMPORALITY_CUMULATIVE, is_monotonic=True
    )
    metric = otlp.Metric(name=names.REQUEST_BYTES, sum=sums)
    batch = otlp.ResourceMetrics(scope_metrics=[otlp.ScopeMetrics(metrics=[metric])])
    response = await sent(room, batch)
    assert response.partial_success.rejected_data_points == 5
    assert response.partial_success.error_message.startswith("5 data points dropped: too many series")


async def test_an_applications_own_metrics_are_taken_and_let_go(room: Room) -> None:
    gauge = otlp.Metric(name="process.cpu.time", gauge=otlp.Gauge(data_points=[otlp.NumberDataPoint(as_double=1.0)]))
    batch = otlp.ResourceMetrics(scope_metrics=[otlp.ScopeMetrics(metrics=[gauge])])
    response = await sent(room, batch)
    assert not response.HasField("partial_success")
    found = await room.query.GetTopology(telemetry_pb2.TopologyRequest())
    assert list(found.nodes) == []
