"""Pure questions to a topology, and the frames that browsers get."""

from datetime import UTC, datetime, timedelta

from dashboard.feed import next_shape
from dashboard.frames import frame_data, shape_data
from dashboard.health import Health
from dashboard.judging import judge_topology
from dashboard.mesh import Link, LinkState, MeshView, Shape
from dashboard.pages.overview import service_rows
from dashboard.pages.service import RANGES, series_request
from dashboard.queries import (
    callees,
    callers,
    endpoint_rows,
    expiring,
    node_evidence,
    split,
    totals,
    worst_caller,
    worst_first,
)
from protos.tulle.v1.engine_pb2 import BREAKER_STATE_CLOSED, BREAKER_STATE_HALF_OPEN, EndpointSeries
from protos.tulle.v1.telemetry_pb2 import EndpointView, Topology, TopologyEdge, TopologyNode
from tests.dashboard.dashboard_shop import Story, topology

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)


def seen(told: Topology) -> MeshView:
    """The view that this topology makes at first sight."""
    empty = MeshView(0, Link(LinkState.UP, NOW))
    judgement = judge_topology(empty, told, NOW)
    return MeshView(
        1,
        Link(LinkState.UP, NOW),
        topology=told,
        shape=next_shape(Shape(), told),
        standings=judgement.nodes,
        edge_standings=judgement.edges,
    )


def test_the_worst_comes_first_and_callers_from_outside_are_no_services() -> None:
    view = seen(topology(Story(NOW_MS, faults={"shop/shipping": 0.03, "shop/payments": 0.2})))

    assert [node.service for node in worst_first(view)][:3] == ["shop/payments", "shop/shipping", "shop/storefront"]
    assert "external" not in [node.service for node in worst_first(view)]
    assert [row["service"] for row in service_rows(view, " PAY", NOW)] == ["shop/payments"]


def test_a_service_of_streams_alone_has_no_p99_rather_than_one_of_0() -> None:
    told = topology(Story(NOW_MS))
    next(node for node in told.nodes if node.service == "shop/payments").inbound.p99_ms = 0
    by_name = {row["service"]: row["p99"] for row in service_rows(seen(told), "", NOW)}
    assert by_name["shop/payments"] is None
    assert by_name["shop/orders"] > 0


def test_totals_count_edges_mtls_and_proxies_in_step() -> None:
    sums = totals(seen(topology(Story(NOW_MS, refused=frozenset({"orders-1"})))))

    assert (sums.services, sums.edges, sums.mtls_edges) == (6, 6, 5)
    assert (sums.proxies_in_sync, sums.proxies) == (11, 12)
    assert round(sums.rate) == 335


def test_a_refused_configuration_fails_the_service_and_names_the_proxy() -> None:
    view = seen(topology(Story(NOW_MS, refused=frozenset({"orders-1"}))))

    assert view.health("shop/orders") is Health.FAILING
    assert "orders-1: cluster:shop/orders no endpoints" in view.standings["shop/orders"].shown.why


def test_the_split_is_what_really_went() -> None:
    edge = seen(topology(Story(NOW_MS))).edge("shop/orders", "shop/payments")

    assert edge is not None
    assert [(part.cluster, round(part.share, 2)) for part in split(edge)] == [("v1", 0.9), ("v2", 0.1)]


def test_neighbours_are_listed_busiest_first() -> None:
    view = seen(topology(Story(NOW_MS)))

    assert [edge.target for edge in callees(view, "shop/orders")] == [
        "shop/inventory",
        "shop/payments",
        "shop/shipping",
    ]
    assert [edge.source for edge in callers(view, "shop/payments")] == ["shop/orders"]


def test_ejected_endpoints_come_first_and_half_open_counts_as_ejected() -> None:
    view = seen(topology(Story(NOW_MS, ejected=frozenset({"payments-2"}))))
    half = EndpointView(caller="a", series=EndpointSeries(endpoint="x", state=BREAKER_STATE_HALF_OPEN))
    closed = EndpointView(caller="b", series=EndpointSeries(endpoint="x", state=BREAKER_STATE_CLOSED))

    assert endpoint_rows(view, "shop/payments")[0].series.endpoint == "payments-2"
    assert view.health("shop/payments") is Health.DEGRADED
    assert worst_caller([half, closed]) == (1, 1)
    assert worst_caller([]) == (0, 0)


def test_a_node_without_instances_and_proxies_is_unknown_and_one_from_outside_is_idle() -> None:
    view = seen(Topology(time_unix_ms=1, nodes=[TopologyNode(service="s/a"), TopologyNode(service="external")]))

    assert view.health("s/a") is Health.UNKNOWN
    assert view.health("external") is Health.IDLE
    assert not node_evidence(TopologyNode(service="s/a")).known


def test_the_certificates_soonest_to_expire_come_first() -> None:
    soonest = expiring(seen(topology(Story(NOW_MS))), 2)

    assert [service for service, _ in soonest] == ["shop/orders", "shop/payments"]
    assert soonest[0][1] == NOW + timedelta(seconds=2760)


def test_a_frame_follows_the_order_of_its_shape() -> None:
    view = seen(topology(Story(NOW_MS, faults={"shop/payments": 0.2})))
    shape, frame = shape_data(view), frame_data(view)
    at = [node[0] for node in shape["nodes"]].index("shop/payments")
    edge = shape["edges"].index([view.shape.nodes.index("shop/orders"), at, []])

    assert shape["v"] == frame["v"] == 1
    assert frame["n"][at][:4] == ["failing", 55.0, 3300, 660]
    assert frame["e"][edge][9:] == [True, "closed", 330, "v1 90 % · v2 10 %"]
    assert frame["link"]["state"] == "up"


def test_the_shape_stays_the_same_object_until_nodes_or_edges_come_or_go() -> None:
    first = next_shape(Shape(), topology(Story(NOW_MS)))
    same = next_shape(first, topology(Story(NOW_MS + 1000, faults={"shop/orders": 0.5})))
    more = next_shape(first, topology(Story(NOW_MS, extra=("loyalty",))))
    dangling = next_shape(
        Shape(), Topology(nodes=[TopologyNode(service="s/a")], edges=[TopologyEdge(source="s/a", target="s/b")])
    )

    assert same is first
    assert more.version == first.version + 1
    assert dangling.edges == ()


def test_series_are_asked_on_whole_steps_so_that_points_stand_still() -> None:
    request = series_request("shop/orders", RANGES["1h"], NOW + timedelta(seconds=44))

    assert request.to_unix_ms == NOW_MS + 30_000
    assert request.to_unix_ms - request.from_unix_ms == 3_600_000
    assert request.step_ms == 30_000
