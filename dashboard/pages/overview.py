"""Overview: the worst first. Its state is in the URL: ?q= filters, ?sort=column:asc|desc orders."""

from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from dash import Dash, Input, Output, dcc, html

from dashboard import wording
from dashboard.badges import SIGNS, sync_badge
from dashboard.clientside import in_browser
from dashboard.empty import instead
from dashboard.grids import grid
from dashboard.mesh import MeshView
from dashboard.queries import expiring, in_sync, moment, refusal, totals, worst_first
from dashboard.sources import Sources
from dashboard.tables import facts, section, table

_CERTIFICATES, _EVENTS = 5, 12
_COLUMNS: tuple[dict[str, Any], ...] = (
    {
        "field": "health",
        "headerName": "health",
        "cellRenderer": "TulleHealth",
        "width": 140,
        "comparator": {"function": "tulleBySeverity"},
    },
    {"field": "service", "headerName": "service", "cellRenderer": "TulleService", "minWidth": 205, "flex": 1},
    {
        "field": "spark",
        "headerName": "last minute",
        "cellRenderer": "TulleSpark",
        "width": 130,
        "sortable": False,
        "cellDataType": False,
    },
    {"field": "rate", "headerName": "calls/s", "width": 82, "type": "rightAligned"},
    {"field": "faults", "headerName": "fault %", "width": 82, "type": "rightAligned"},
    {"field": "client_errors", "headerName": "client err. %", "width": 125, "type": "rightAligned"},
    {
        "field": "p99",
        "headerName": "p99 ms",
        "width": 92,
        "type": "rightAligned",
        "valueFormatter": {"function": "tulleOrNothing(params.value)"},
    },
    {"field": "changed", "headerName": "last change", "width": 122},
    {
        "field": "why",
        "headerName": "why",
        "minWidth": 200,
        "flex": 2,
        "wrapText": True,
        "autoHeight": True,
        "cellClass": "wrapped",
    },
)


def serves(path: str) -> bool:
    """True for this page's path."""
    return path == "/"


def layout(path: str, search: str) -> Any:
    """The page as its URL says it."""
    query = {name: values[0] for name, values in parse_qs(search.lstrip("?")).items()}
    return html.Div(
        [
            html.H1("Overview"),
            html.Div(id="overview-empty"),
            html.Div(
                [
                    html.Div(id="totals"),
                    section("Services, worst first", _filter(query.get("q", "")), _grid(query.get("sort", ""))),
                    html.Div(
                        [
                            section("Last events", html.Div(id="events")),
                            section("Certificates soonest to expire", html.Div(id="certificates")),
                            section("Proxies", html.Div(id="proxies")),
                        ],
                        className="columns",
                    ),
                ],
                id="overview-body",
                hidden=True,
            ),
        ]
    )


def _filter(value: str) -> Any:
    box = dcc.Input(id="overview-q", value=value, placeholder="part of a name", debounce=0.2, type="text")
    return html.Label([html.Span("Filter"), box], className="query", htmlFor="overview-q")


def _grid(sort: str) -> Any:
    column, _, direction = sort.partition(":")
    definitions = [
        {**definition, "sort": direction} if (definition["field"], direction in ("asc", "desc")) == (column, True)
        else definition
        for definition in _COLUMNS
    ]  # fmt: skip
    return grid("services-grid", definitions, "service", "no service matches")


def register(app: Dash, sources: Sources) -> None:
    """Adds the page's callbacks."""

    @app.callback(
        Output("overview-empty", "children"),
        Output("overview-body", "hidden"),
        Output("totals", "children"),
        Output("services-grid", "rowData"),
        Output("events", "children"),
        Output("certificates", "children"),
        Output("proxies", "children"),
        Input("beat", "data"),
        Input("overview-q", "value"),
    )
    def refresh(_beat: int | None, part: str | None) -> tuple[Any, ...]:
        view, now = sources.feed.view, sources.now()
        empty = instead(view)
        parts = (totals_tiles(view), service_rows(view, part or "", now), events_table(view))
        return empty, empty is not None, *parts, certificates_table(view, now), proxies_table(view)

    in_browser(app, "overviewUrl", Output("overview-q", "className"), Input("overview-q", "value"))


def totals_tiles(view: MeshView) -> Any:
    """The mesh in one line."""
    all_of = totals(view)
    return facts(
        (
            ("services", str(all_of.services)),
            ("calls", wording.rate(all_of.rate)),
            ("faults", wording.percent(all_of.fault_share)),
            ("retries", wording.rate(all_of.retries_rate)),
            ("mTLS", f"{all_of.mtls_edges} of {wording.plural(all_of.edges, 'edge')}"),
            ("proxies in sync", f"{all_of.proxies_in_sync} of {all_of.proxies}"),
            ("policy revision", str(view.topology.revision)),
        )
    )


def service_rows(view: MeshView, part: str, now: datetime) -> list[dict[str, Any]]:
    """Rows of the grid, worst first, whose name contains ``part``."""
    rows = []
    for node in worst_first(view):
        if part.strip().lower() not in node.service.lower():
            continue
        golden, standing = node.inbound, view.standings.get(node.service)
        changed, health = view.changed.get(node.service), view.health(node.service)
        rows.append(
            {
                "service": node.service,
                "health": health.value,
                "sign": SIGNS[health],
                "spark": list(view.rates.get(node.service, ())),
                "rate": float(f"{golden.rate:.3g}"),
                "faults": round(100 * wording.share(golden.faults, golden.calls), 2),
                "client_errors": round(100 * wording.share(golden.client_errors, golden.calls), 2),
                "p99": float(f"{golden.p99_ms:.3g}") if golden.p99_ms > 0 else None,  # streams alone have none
                "changed": f"{wording.span(now - changed)} ago" if changed else wording.NOTHING,
                "why": standing.shown.why if standing else "",
            }
        )
    return rows


def events_table(view: MeshView) -> Any:
    """The newest events first."""
    rows = [
        (moment(event.time_unix_ms).strftime("%H:%M:%S"), event.kind, event.subject, event.message)
        for event in view.events[:_EVENTS]
    ]
    return table("Last events", ("UTC", "kind", "subject", "what"), rows, "Nothing has happened yet.")


def certificates_table(view: MeshView, now: datetime) -> Any:
    """Certificates soonest to expire."""
    rows = [
        (_service_link(service), f"in {wording.span(expiry - now)}" if expiry > now else "expired")
        for service, expiry in expiring(view, _CERTIFICATES)
    ]
    return table("Certificates", ("service", "#expires"), rows, "No certificate is known yet.")


def proxies_table(view: MeshView) -> Any:
    """Every proxy with the configuration it runs; those out of step first."""
    proxies = [proxy for node in view.services for proxy in node.proxies]
    rows = []
    for proxy in sorted(proxies, key=lambda proxy: (in_sync(proxy), proxy.instance)):
        if not proxy.connected:
            problem = "not connected"
        elif refusal(proxy):
            problem = f"refused: {refusal(proxy)}"
        else:
            problem = "" if in_sync(proxy) else f"waiting for revision {proxy.sent_revision}"
        rows.append((proxy.instance, str(proxy.acked_revision), sync_badge(problem)))
    return table("Proxies", ("instance", "#revision", "in sync"), rows, "No proxy is connected.")


def _service_link(service: str) -> Any:
    return dcc.Link(service, href=f"/service/{service}")
