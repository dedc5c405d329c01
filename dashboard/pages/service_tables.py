"""The tables of the Service page: methods, neighbours, endpoints with their breakers, versions and split."""

from typing import Any

from dash import dcc, html

from dashboard import wording
from dashboard.badges import breaker_badge, health_badge
from dashboard.mesh import EXTERNAL, MeshView
from dashboard.queries import BREAKER_WORDS, callees, callers, endpoint_rows, split, worst_first
from dashboard.tables import section, table
from protos.tulle.v1.telemetry_pb2 import Golden, StatsResponse, TopologyEdge, TopologyNode

_GOLDEN = ("#rate", "#faults", "#client errors", "#p50", "#p95", "#p99", "#retries")


def golden_cells(golden: Golden) -> tuple[str, ...]:
    """The cells under the golden headings."""
    return (
        wording.rate(golden.rate),
        wording.percent(wording.share(golden.faults, golden.calls)),
        wording.percent(wording.share(golden.client_errors, golden.calls)),
        wording.milliseconds(golden.p50_ms),
        wording.milliseconds(golden.p95_ms),
        wording.milliseconds(golden.p99_ms),
        str(golden.retries),
    )


def methods_table(stats: StatsResponse, service: str) -> Any:
    """A row a method and caller, busiest first."""
    rows = sorted(
        (row for row in stats.rows if row.target == service), key=lambda row: (-row.golden.rate, row.method, row.source)
    )
    shown = [(html.Code(row.method), row.source, *golden_cells(row.golden)) for row in rows]
    return table("Methods", ("method", "caller", *_GOLDEN), shown, "No method was called in the window.")


def callers_table(view: MeshView, service: str) -> Any:
    """Who calls it."""
    rows = [(neighbour(edge.source), *_edge_cells(view, edge)) for edge in callers(view, service)]
    return table("Callers", ("caller", *_EDGE), rows, "Nobody calls it.")


def callees_table(view: MeshView, service: str) -> Any:
    """Whom it calls."""
    rows = [(neighbour(edge.target), *_edge_cells(view, edge)) for edge in callees(view, service)]
    return table("Callees", ("callee", *_EDGE), rows, "It calls nobody.")


_EDGE = ("health", "#rate", "#faults", "#p99", "mTLS", "breaker")


def _edge_cells(view: MeshView, edge: TopologyEdge) -> tuple[Any, ...]:
    golden, standing = edge.golden, view.edge_standings.get((edge.source, edge.target))
    return (
        health_badge(standing.health) if standing else wording.NOTHING,
        wording.rate(golden.rate),
        wording.percent(wording.share(golden.faults, golden.calls)),
        wording.milliseconds(golden.p99_ms),
        "yes" if edge.mtls else "no",
        breaker_badge(BREAKER_WORDS[edge.breaker]),
    )


def endpoints_table(view: MeshView, service: str) -> Any:
    """Every endpoint as each of its callers sees it."""
    rows = []
    for row in endpoint_rows(view, service):
        series = row.series
        left = series.open_remaining.ToTimedelta()
        rows.append(
            (
                series.endpoint,
                series.address,
                row.caller,
                breaker_badge(BREAKER_WORDS[series.state]),
                wording.span(left) if left else wording.NOTHING,
                str(series.consecutive_failures),
                str(series.in_flight),
                str(series.connections),
                wording.milliseconds(series.ewma_us / 1000),
                str(series.ejections),
            )
        )
    headings = (
        "endpoint",
        "address",
        "seen by",
        "breaker",
        "#open for",
        "#failures in a row",
        "#in flight",
        "#connections",
        "#EWMA",
        "#ejections",
    )
    return table("Endpoints", headings, rows, "No caller has reported an endpoint yet.")


def versions(view: MeshView, node: TopologyNode) -> Any:
    """Instances by version, and where each caller's calls really went."""
    instances = [
        (i.id, i.version or wording.NOTHING, "healthy" if i.healthy else "not healthy") for i in node.instances
    ]
    parts = [
        (
            edge.source,
            part.cluster,
            wording.percent(part.share),
            wording.rate(part.rate),
            wording.percent(part.fault_share),
        )
        for edge in callers(view, node.service)
        for part in split(edge)
    ]
    return html.Div(
        [
            table("Instances", ("instance", "version", "health check"), instances, "No instance is registered."),
            table("Split", ("caller", "to", "#share", "#rate", "#faults"), parts, "No calls in the window."),
        ],
        className="columns",
    )


def services_list(view: MeshView) -> Any:
    """All services, worst first, as links."""
    rows = [
        (neighbour(n.service), health_badge(view.health(n.service)), *golden_cells(n.inbound))
        for n in worst_first(view)
    ]
    return section("Choose one", table("Services", ("service", "health", *_GOLDEN), rows, "No service."))


def unknown_service(view: MeshView, service: str) -> Any:
    """For a name that the mesh does not know now."""
    said = " is no service of the mesh now: nothing of that name is registered or called."
    return html.Div([html.P([html.Code(service), said]), services_list(view)])


def neighbour(name: str) -> Any:
    """A link to a service; callers outside the mesh have no page."""
    return name if name == EXTERNAL else dcc.Link(name, href=f"/service/{name}")
