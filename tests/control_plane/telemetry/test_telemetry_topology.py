"""The picture of the mesh: nodes, edges, splits, breakers, certificates, and where each number comes from."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from protos import names
from protos.tulle.v1 import discovery_pb2, engine_pb2, registry_pb2, telemetry_pb2
from tests.control_plane.telemetry.telemetry_harness import BEGAN, Room, telemetry_room

CLOSED, OPEN, HALF_OPEN = (
    engine_pb2.BREAKER_STATE_CLOSED,
    engine_pb2.BREAKER_STATE_OPEN,
    engine_pb2.BREAKER_STATE_HALF_OPEN,
)


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with telemetry_room(tmp_path) as room:
        yield room


async def topology(room: Room, window_ms: int = 0) -> telemetry_pb2.Topology:
    return await room.query.GetTopology(telemetry_pb2.TopologyRequest(window_ms=window_ms))


def node(found: telemetry_pb2.Topology, service: str) -> telemetry_pb2.TopologyNode:
    return next(one for one in found.nodes if one.service == service)


async def test_a_service_without_calls_is_there_with_its_instances_versions_and_target(room: Room) -> None:
    instance = registry_pb2.Instance(id="p1", service="shop/payments", labels={"version": "v2"}, healthy=True)
    proxy = discovery_pb2.Proxy(instance="p1", identity="spiffe://shop.local/shop/payments")
    room.know(
        instances=[instance],
        proxies=[proxy],
        services=["shop/orders"],
        p99_targets_ms={"shop/payments": 100.0},
        revision=7,
    )
    found = await topology(room)
    assert found.revision == 7
    assert found.time_unix_ms == int(BEGAN.timestamp() * 1000)
    assert found.window_ms == 60_000
    assert [one.service for one in found.nodes] == ["shop/orders", "shop/payments"]
    payments = node(found, "shop/payments")
    assert [(one.id, one.version, one.healthy) for one in payments.instances] == [("p1", "v2", True)]
    assert list(payments.versions) == ["v2"]
    assert [one.instance for one in payments.proxies] == ["p1"]
    assert payments.p99_target_ms == 100
    assert payments.inbound.calls == 0


async def test_a_node_shows_what_its_own_sidecar_counted_and_an_edge_what_the_callers_did(room: Room) -> None:
    orders, payments = room.sender("shop/orders"), room.sender("shop/payments")
    orders.calls("shop/payments", count=10, seconds=0.02)
    payments.answers("shop/orders", count=8, seconds=0.01)
    payments.answers("external", count=2, seconds=0.01, mtls=False)
    await orders.export()
    await payments.export()
    found = await topology(room)
    assert node(found, "shop/payments").inbound.calls == 10
    assert node(found, "shop/payments").inbound.p50_ms == pytest.approx(10, rel=0.05)
    edges = {(one.source, one.target): one for one in found.edges}
    assert edges["shop/orders", "shop/payments"].golden.calls == 10
    assert edges["shop/orders", "shop/payments"].golden.p50_ms == pytest.approx(20, rel=0.05)
    assert edges["external", "shop/payments"].golden.calls == 2
    assert [one.service for one in found.nodes] == ["external", "shop/orders", "shop/payments"]


async def test_a_node_whose_sidecar_is_silent_shows_the_sum_of_its_callers(room: Room) -> None:
    for caller, count in (("shop/orders", 3), ("shop/web", 4)):
        sender = room.sender(caller)
        sender.calls("shop/payments", count=count)
        await sender.export()
    assert node(await topology(room), "shop/payments").inbound.calls == 7


async def test_a_stream_counts_as_a_call_and_its_life_is_no_latency(room: Room) -> None:
    room.know(streams={"shop/payments": {"a.B/Watch"}})
    orders, payments = room.sender("shop/orders"), room.sender("shop/payments")
    for sender, count in ((orders.calls, "shop/payments"), (payments.answers, "shop/orders")):
        sender(count, count=9, seconds=0.01)
        sender(count, count=91, seconds=600, method="a.B/Watch")
    await orders.export()
    await payments.export()
    found = await topology(room)
    for golden in (node(found, "shop/payments").inbound, found.edges[0].golden):
        assert golden.calls == 100
        assert golden.p50_ms == pytest.approx(10, rel=0.05)
        assert golden.p99_ms == pytest.approx(10, rel=0.05)


async def test_a_method_that_no_document_calls_a_stream_is_timed(room: Room) -> None:
    room.know(streams={"shop/other": {"a.B/C"}})
    orders = room.sender("shop/orders")
    orders.calls("shop/payments", count=1, seconds=600)
    await orders.export()
    assert (await topology(room)).edges[0].golden.p99_ms == pytest.approx(600_000, rel=0.05)


async def test_the_split_is_shown_as_it_really_went(room: Room) -> None:
    orders = room.sender("shop/orders")
    orders.calls("shop/payments", count=9, cluster="shop/payments#v1")
    orders.calls("shop/payments", count=1, cluster="shop/payments#v2", status="INTERNAL")
    await orders.export()
    (edge,) = (await topology(room)).edges
    assert [(one.cluster, one.golden.calls, one.golden.faults) for one in edge.clusters] == [
        ("shop/payments#v1", 9, 0),
        ("shop/payments#v2", 1, 1),
    ]


@pytest.mark.parametrize(
    ("calls", "mtls"),
    [
        ([{"mtls": True}], True),
        ([{"mtls": True}, {"mtls": False}], False),
        ([{"mtls": True}, {"mtls": False, "reason": "breaker_open", "status": "UNAVAILABLE"}], True),
        ([{"mtls": False, "reason": "no_endpoints", "status": "UNAVAILABLE"}], False),
    ],
)
async def test_an_edge_is_mtls_when_no_call_reached_an_application_without(
    room: Room, calls: list[dict[str, Any]], mtls: bool
) -> None:
    orders = room.sender("shop/orders")
    for one in calls:
        orders.calls("shop/payments", **one)
    await orders.export()
    (edge,) = (await topology(room)).edges
    assert edge.mtls is mtls


async def test_endpoints_and_the_edges_breaker_are_what_the_callers_see(room: Room) -> None:
    room.know(instances=[registry_pb2.Instance(id="p1", service="shop/payments", address="127.0.0.1", port=9)])
    orders = room.sender("shop/orders")
    orders.calls("shop/payments")
    orders.gauge(names.SERVICE_STATE, CLOSED, "shop/payments")
    orders.gauge(names.ENDPOINT_STATE, CLOSED, "shop/payments", "p2")
    orders.gauge(names.ENDPOINT_STATE, OPEN, "shop/payments", "p1")
    orders.gauge(names.ENDPOINT_CONSECUTIVE_FAILURES, 7, "shop/payments", "p1")
    orders.gauge(names.ENDPOINT_EWMA, 0.25, "shop/payments", "p1")
    await orders.export()
    found = await topology(room)
    first, second = node(found, "shop/payments").endpoints
    assert (first.caller, first.series.endpoint, first.series.state) == ("shop/orders", "p1", OPEN)
    assert (first.series.address, first.series.consecutive_failures, first.series.ewma_us) == (
        "127.0.0.1:9",
        7,
        250_000,
    )
    assert (second.series.endpoint, second.series.state) == ("p2", CLOSED)
    assert [one.breaker for one in found.edges] == [OPEN]


async def test_two_sidecars_of_a_caller_are_one_row_an_endpoint_the_worst_first(room: Room) -> None:
    for instance, state in (("1", CLOSED), ("2", HALF_OPEN)):
        sender = room.sender("shop/orders", instance)
        sender.gauge(names.ENDPOINT_STATE, state, "shop/payments", "p1")
        sender.gauge(names.ENDPOINT_IN_FLIGHT, 3, "shop/payments", "p1")
        sender.calls("shop/payments")
        await sender.export()
    (row,) = node(await topology(room), "shop/payments").endpoints
    assert (row.series.state, row.series.in_flight) == (HALF_OPEN, 6)


async def test_ejection_and_restoration_are_events_once_each(room: Room) -> None:
    orders = room.sender("shop/orders")
    for state in (CLOSED, OPEN, OPEN, HALF_OPEN, OPEN, HALF_OPEN, CLOSED, CLOSED):
        orders.gauge(names.ENDPOINT_STATE, state, "shop/payments", "p1")
        orders.gauge(names.ENDPOINT_CONSECUTIVE_FAILURES, 7 if state == OPEN else 0, "shop/payments", "p1")
        await orders.export()
        await room.wait(1)
    events = (await room.query.ListEvents(telemetry_pb2.ListEventsRequest())).events
    assert [(one.kind, one.subject, one.message) for one in events] == [
        ("restored", "shop/payments", "shop/orders calls p1 of shop/payments again"),
        ("ejected", "shop/payments", "shop/orders stopped calling p1 of shop/payments after 7 failures in a row"),
    ]


async def test_the_certificate_that_ends_soonest_is_shown(room: Room) -> None:
    for instance, expiry in (("1", 2_000_000_000), ("2", 1_900_000_000)):
        sender = room.sender("shop/orders", instance)
        sender.gauge(names.CERT_EXPIRY, expiry)
        await sender.export()
    room.know(services=["shop/orders"])
    assert node(await topology(room), "shop/orders").certificate_not_after_unix_ms == 1_900_000_000_000


async def test_what_a_silent_sidecar_saw_is_forgotten(room: Room) -> None:
    orders = room.sender("shop/orders")
    orders.gauge(names.ENDPOINT_STATE, OPEN, "shop/payments", "p1")
    orders.calls("shop/payments")
    await orders.export()
    await room.wait(15)
    assert len(node(await topology(room), "shop/payments").endpoints) == 1
    await room.wait(1)
    assert len(node(await topology(room), "shop/payments").endpoints) == 0


async def test_watching_gives_the_newest_each_period_and_ends_with_the_process(room: Room) -> None:
    orders = room.sender("shop/orders")
    stream = room.query.WatchTopology(telemetry_pb2.TopologyRequest(period_ms=2_000))
    assert len((await anext(aiter(stream))).edges) == 0
    orders.calls("shop/payments")
    await orders.export()
    await room.clock.advance(2)
    assert len((await anext(aiter(stream))).edges) == 1
    stream.cancel()
