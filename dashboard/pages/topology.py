"""Topology: the live map. Its state is in the URL: ?labels=&find=&hide=&pick=."""

from typing import Any
from urllib.parse import parse_qs

import dash_cytoscape as cyto
import dash_mantine_components as dmc
from dash import Dash, Input, Output, dcc, html

from dashboard import wording
from dashboard.aria import aria
from dashboard.badges import breaker_badge, health_badge, reasons_list
from dashboard.clientside import in_browser
from dashboard.empty import instead
from dashboard.health import Health, Verdict
from dashboard.mesh import EXTERNAL, MeshView
from dashboard.queries import BREAKER_WORDS, endpoint_rows, split
from dashboard.sources import Sources
from dashboard.tables import facts, section, table
from dashboard.why import why_popover
from protos.tulle.v1.telemetry_pb2 import EndpointView, Golden, TopologyEdge, TopologyNode

LABELS = ("rate", "faults", "p50", "p95", "p99", "mtls", "split", "retries")
_LABEL_WORDS = {"faults": "fault %", "mtls": "mTLS"}
_DEFAULT_LABELS = "rate,faults,split"
_EMPTY = Verdict(Health.UNKNOWN, ())


def serves(path: str) -> bool:
    """True for this page's path."""
    return path == "/topology"


def layout(path: str, search: str) -> Any:
    """The page as its URL says it."""
    query = {name: values[0] for name, values in parse_qs(search.lstrip("?"), keep_blank_values=True).items()}
    labels = [label for label in query.get("labels", _DEFAULT_LABELS).split(",") if label in LABELS]
    return html.Div(
        [
            html.H1("Topology", className="unseen"),
            dcc.Store(id="pick", data=query.get("pick", "")),
            _controls(labels, query.get("find", ""), query.get("hide", "")),
            html.Div([_map(), _detail()], className="map-row"),
            html.Div(id="map-empty"),
        ],
        className="topology",
    )


def _controls(labels: list[str], find: str, hide: str) -> Any:
    chips = [dmc.Chip(_LABEL_WORDS.get(name, name), value=name, size="xs") for name in LABELS]
    return html.Div(
        [
            html.Div(
                [html.Span("Labels"), dmc.ChipGroup(chips, id="labels", value=labels, multiple=True)],
                className="chips",
                role="group",
                **aria(label="Labels on edges and nodes"),
            ),
            _query_box("find", "Find", find, "rt > 500"),
            _query_box("hide", "Hide", hide, "!traffic"),
            html.Button("Fit", id="fit", type="button", className="plain", title="Fit the map (f)"),
            html.Button("PNG", id="export-png", type="button", className="plain", title="Save the map as a picture"),
            html.Output(id="query-note", className="query-note"),
        ],
        className="controls",
    )


def _query_box(name: str, label: str, value: str, example: str) -> Any:
    box = dcc.Input(id=name, value=value, placeholder=example, debounce=0.3, type="text", autoComplete="off")
    return html.Label([html.Span(label), box], className="query", htmlFor=name)


def _map() -> Any:
    graph = cyto.Cytoscape(
        id="graph",
        elements=[],
        layout={"name": "preset", "fit": False},
        autoRefreshLayout=False,
        boxSelectionEnabled=False,
        minZoom=0.1,
        maxZoom=3,
        style={"width": "100%", "height": "100%"},
    )
    legend = html.Ul(
        [html.Li(health_badge(health)) for health in Health]
        + [html.Li([html.Span(className=f"swatch {look}"), word]) for look, word in _RING_WORDS],
        className="legend",
        **aria(label="Legend"),
    )
    return html.Div(
        [
            html.Div(graph, id="map-canvas", tabIndex=0, role="application", **aria(label=_MAP_LABEL)),
            html.Div(id="mirror", className="mirror"),
            legend,
            html.Div(id="map-news", className="unseen", role="status", **aria(live="polite")),
        ],
        id="map",
        className="map",
    )


_RING_WORDS = (("ring-ok", "ok"), ("ring-fault", "fault"), ("ring-client", "client error"))
_MAP_LABEL = "Map of services. Arrow keys walk it; the list that follows says the same as buttons."


def _detail() -> Any:
    close = html.Button("Close", id="detail-close", type="button", className="plain")
    return html.Aside(
        [
            html.Div([html.Div(id="detail-head"), why_popover("detail"), close], className="detail-head"),
            html.Div(id="detail-body"),
        ],
        id="detail",
        className="detail",
        hidden=True,
        **aria(label="Details of the selection"),
    )


def register(app: Dash, sources: Sources) -> None:
    """Adds the page's callbacks."""

    @app.callback(
        Output("detail", "hidden"),
        Output("detail-head", "children"),
        Output("detail-why", "children"),
        Output("detail-body", "children"),
        Output("map-empty", "children"),
        Input("beat", "data"),
        Input("pick", "data"),
    )
    def detail(_beat: int | None, pick: str | None) -> tuple[bool, Any, Any, Any, Any]:
        view = sources.feed.view
        head, verdict, body = _picked(view, pick or "")
        return head is None, head, reasons_list(verdict), body, instead(view)

    in_browser(
        app,
        "map",
        Output("query-note", "children"),
        Input("labels", "value"),
        Input("find", "value"),
        Input("hide", "value"),
        Input("pick", "data"),
        Input("scheme", "data"),
    )


def _picked(view: MeshView, pick: str) -> tuple[Any | None, Verdict, Any]:
    """Head, verdict and body for "namespace/name" or "source>target"; no head where there is no such thing."""
    source, arrow, target = pick.partition(">")
    if arrow:
        edge, standing = view.edge(source, target), view.edge_standings.get((source, target))
        if edge is not None:
            verdict = standing.shown if standing else _EMPTY
            return _head(f"{source} → {target}", verdict), verdict, edge_body(view, edge)
    node, standing = view.node(pick), view.standings.get(pick)
    if node is None:
        return None, _EMPTY, None
    verdict = standing.shown if standing else _EMPTY
    return _head(pick, verdict), verdict, node_body(view, node)


def _head(name: str, verdict: Verdict) -> Any:
    return [html.H2(name), health_badge(verdict.health)]


def node_body(view: MeshView, node: TopologyNode) -> Any:
    """What the panel says of a service."""
    if node.service == EXTERNAL:
        return html.P("Callers outside the mesh: nothing stands beside them, so only their calls are seen.")
    healthy = sum(instance.healthy for instance in node.instances)
    return [
        dcc.Link("Open the service page", href=f"/service/{node.service}", className="to-service"),
        golden_facts(node.inbound),
        facts((("instances", f"{healthy} of {len(node.instances)} healthy"), ("versions", _versions(node)))),
        section("Endpoints, as callers see them", endpoints_table(endpoint_rows(view, node.service))),
    ]


def edge_body(view: MeshView, edge: TopologyEdge) -> Any:
    """What the panel says of the calls from one service to another."""
    parts = [
        (part.cluster, wording.percent(part.share), wording.rate(part.rate), wording.percent(part.fault_share))
        for part in split(edge)
    ]
    target = dcc.Link(f"Open {edge.target}", href=f"/service/{edge.target}", className="to-service")
    return [
        target,
        golden_facts(edge.golden),
        facts(
            (
                ("mTLS", "yes" if edge.mtls else "no: plaintext"),
                ("breaker", breaker_badge(BREAKER_WORDS[edge.breaker])),
                ("retries", str(edge.golden.retries)),
            )
        ),
        section("Split", table("Split of the calls", ("to", "#share", "#rate", "#faults"), parts, "No calls.")),
        section("Endpoints", endpoints_table(endpoint_rows(view, edge.target, edge.source))),
    ]


def golden_facts(golden: Golden) -> Any:
    """The golden metrics of the window."""
    return facts(
        (
            ("rate", wording.rate(golden.rate)),
            ("faults", wording.percent(wording.share(golden.faults, golden.calls))),
            ("client errors", wording.percent(wording.share(golden.client_errors, golden.calls))),
            ("p50", wording.milliseconds(golden.p50_ms)),
            ("p95", wording.milliseconds(golden.p95_ms)),
            ("p99", wording.milliseconds(golden.p99_ms)),
        )
    )


def endpoints_table(rows: list[EndpointView]) -> Any:
    """The short form of the endpoints: who sees whom in which state."""
    several = len({row.caller for row in rows}) > 1
    shown = [
        (
            row.series.endpoint,
            *([row.caller] if several else []),
            breaker_badge(BREAKER_WORDS[row.series.state]),
            str(row.series.consecutive_failures),
        )
        for row in rows
    ]
    headings = ("endpoint", *(["seen by"] if several else []), "breaker", "#failures in a row")
    return table("Endpoints", headings, shown, "No caller has reported an endpoint yet.")


def _versions(node: TopologyNode) -> str:
    return ", ".join(node.versions) or wording.NOTHING
