"""Service: one service's golden signals, methods, neighbours, endpoints. URL: /service/NAMESPACE/NAME?range=&view=."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import dash_mantine_components as dmc
import grpc.aio
from dash import Dash, Input, Output, State, dcc, html, no_update

from dashboard import charts
from dashboard.badges import health_badge, reasons_list
from dashboard.clientside import in_browser
from dashboard.empty import instead
from dashboard.grids import NUMBER, grid
from dashboard.mesh import EXTERNAL
from dashboard.pages import service_tables as tables_of
from dashboard.pages.topology import golden_facts
from dashboard.sources import Sources
from dashboard.tables import section
from dashboard.why import why_popover
from protos.tulle.v1.telemetry_pb2 import SeriesRequest, SeriesResponse, StatsRequest

_PREFIX = "/service"
_ASK = 5.0


@dataclass(frozen=True)
class Range:
    """How far back, and the step that the control plane keeps for it."""

    length: timedelta
    step: timedelta


RANGES = {
    "5m": Range(timedelta(minutes=5), timedelta(seconds=2)),
    "15m": Range(timedelta(minutes=15), timedelta(seconds=5)),
    "1h": Range(timedelta(hours=1), timedelta(seconds=30)),
    "6h": Range(timedelta(hours=6), timedelta(minutes=2)),
    "24h": Range(timedelta(hours=24), timedelta(minutes=10)),
}
# name, title, columns of the table twin; the first tells its rows apart
_CHARTS = (
    ("rate", "Calls, faults and client errors a second", ("UTC", "calls", "faults", "client errors")),
    ("latency", "Latency in ms", ("UTC", "p50", "p95", "p99")),
    ("heat", "Latency heat map", ("latency", "calls")),
)


def serves(path: str) -> bool:
    """True for this page's paths."""
    return path == _PREFIX or path.startswith(f"{_PREFIX}/")


def service_of(path: str) -> str:
    """The service that a path names, "" for the list of services."""
    return path.removeprefix(_PREFIX).strip("/")


def layout(path: str, search: str) -> Any:
    """The page as its URL says it."""
    service = service_of(path)
    if not service:
        return html.Div([html.H1("Services"), html.Div(id="service-list")])
    query = {name: values[0] for name, values in parse_qs(search.lstrip("?")).items()}
    chosen = query.get("range", "5m")
    view = "tables" if query.get("view") == "tables" else "charts"
    return html.Div(
        [
            _head(service),
            html.Div(id="service-empty"),
            html.Div(
                [
                    html.Div(id="service-golden"),
                    _choices(chosen if chosen in RANGES else "5m", view),
                    html.P(id="series-note", className="quiet", role="status"),
                    html.Div([_chart(*chart) for chart in _CHARTS], className="columns"),
                    section("Methods", html.Div(id="service-methods")),
                    html.Div(
                        [
                            section("Callers", html.Div(id="service-callers")),
                            section("Callees", html.Div(id="service-callees")),
                        ],
                        className="columns",
                    ),
                    section("Endpoints", html.Div(id="service-endpoints")),
                    section("Versions and split", html.Div(id="service-versions")),
                ],
                id="service-body",
                hidden=True,
            ),
        ]
    )


def _head(service: str) -> Any:
    link = dcc.Link("Show on the map", href=f"/topology?pick={service}")
    parts = [html.H1(service), html.Div(id="service-health"), why_popover("service"), link]
    return html.Div(parts, className="page-head")


def _choices(chosen: str, view: str) -> Any:
    views = [{"value": "charts", "label": "Charts"}, {"value": "tables", "label": "Tables"}]
    return html.Div(
        [
            dmc.SegmentedControl(id="range", data=list(RANGES), value=chosen, size="xs"),
            dmc.SegmentedControl(id="view", data=views, value=view, size="xs"),
        ],
        className="controls",
    )


def _chart(name: str, title: str, columns: tuple[str, ...]) -> Any:
    graph = dcc.Graph(id=f"chart-{name}", config={"displayModeBar": False}, style={"height": "250px"})
    definitions = [{"field": column, "headerName": column, "sortable": False, **NUMBER} for column in columns]
    definitions[0] |= {"type": "", "width": 150}
    twin = grid(f"grid-{name}", definitions, columns[0], "no calls in this range", "250px")
    look = "card wide" if name == "heat" else "card"
    parts = (html.Div(graph, id=f"graph-{name}"), html.Div(twin, id=f"table-{name}", hidden=True))
    return section(title, *parts, look=look)


def register(app: Dash, sources: Sources) -> None:
    """Adds the page's callbacks."""

    @app.callback(Output("service-list", "children"), Input("beat", "data"))
    def services(_beat: int | None) -> Any:
        return instead(sources.feed.view) or tables_of.services_list(sources.feed.view)

    @app.callback(
        Output("service-empty", "children"),
        Output("service-body", "hidden"),
        Output("service-health", "children"),
        Output("service-why", "children"),
        Output("service-golden", "children"),
        Output("service-callers", "children"),
        Output("service-callees", "children"),
        Output("service-endpoints", "children"),
        Output("service-versions", "children"),
        Input("beat", "data"),
        State("url", "pathname"),
    )
    def now(_beat: int | None, path: str) -> tuple[Any, ...]:
        view, service = sources.feed.view, service_of(path)
        node, standing = view.node(service), view.standings.get(service)
        if node is None or service == EXTERNAL:
            return instead(view) or tables_of.unknown_service(view, service), True, *[None] * 7
        return (
            None,
            False,
            health_badge(view.health(service)),
            reasons_list(standing.shown) if standing else None,
            golden_facts(node.inbound),
            tables_of.callers_table(view, service),
            tables_of.callees_table(view, service),
            tables_of.endpoints_table(view, service),
            tables_of.versions(view, node),
        )

    @app.callback(
        Output("series-note", "children"),
        *(Output(f"chart-{name}", "figure") for name, _, _ in _CHARTS),
        *(Output(f"grid-{name}", "rowData") for name, _, _ in _CHARTS),
        *(Output(f"graph-{name}", "hidden") for name, _, _ in _CHARTS),
        *(Output(f"table-{name}", "hidden") for name, _, _ in _CHARTS),
        Output("service-methods", "children"),
        Input("slow", "data"),
        Input("range", "value"),
        Input("view", "value"),
        Input("scheme", "data"),
        State("url", "pathname"),
    )
    async def over_time(_slow: int | None, chosen: str, shown: str, scheme: str, path: str) -> tuple[Any, ...]:
        service, stretch = service_of(path), RANGES[chosen]
        note, series, methods = await _ask(sources, service, stretch)
        charted = shown != "tables"
        figures = _figures(series, stretch, scheme) if charted else [no_update] * 3
        twins = [no_update] * 3 if charted else _twins(series, stretch)
        return note, *figures, *twins, *[not charted] * 3, *[charted] * 3, methods

    in_browser(
        app,
        "serviceUrl",
        Output("view", "name"),
        Input("range", "value"),
        Input("view", "value"),
    )


async def _ask(sources: Sources, service: str, stretch: Range) -> tuple[str, SeriesResponse, Any]:
    """(note, series, methods table); the note says why the charts are old or empty."""
    request = series_request(service, stretch, sources.now())
    window = int(sources.feed.pace.window / timedelta(milliseconds=1))
    try:
        series = await sources.query.GetSeries(request, timeout=_ASK)
        stats = await sources.query.GetStats(StatsRequest(service=service, window_ms=window), timeout=_ASK)
    except grpc.aio.AioRpcError as error:
        note = f"The control plane did not answer ({error.code().name}); charts return by themselves."
        return note, SeriesResponse(), None
    return "", series, tables_of.methods_table(stats, service)


def series_request(service: str, stretch: Range, now: datetime) -> SeriesRequest:
    """The request for a stretch of time that ends now, on whole steps so that points stand still."""
    step = int(stretch.step / timedelta(milliseconds=1))
    end = int(now.timestamp() * 1000) // step * step
    return SeriesRequest(
        service=service,
        from_unix_ms=end - int(stretch.length / timedelta(milliseconds=1)),
        to_unix_ms=end,
        step_ms=step,
    )


def _figures(series: SeriesResponse, stretch: Range, scheme: str) -> list[Any]:
    at = charts.times(series)
    return [
        charts.line_figure(at, charts.rate_lines(series, stretch.step.total_seconds()), "calls/s", scheme),
        charts.line_figure(at, charts.latency_lines(series), "ms", scheme),
        charts.heat_figure(series, scheme),
    ]


def _twins(series: SeriesResponse, stretch: Range) -> list[Any]:
    at = charts.times(series)
    return [
        charts.lines_rows(at, charts.rate_lines(series, stretch.step.total_seconds())),
        charts.lines_rows(at, charts.latency_lines(series)),
        charts.heat_totals(series),
    ]
