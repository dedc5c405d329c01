"""The frame around every page: header, navigation, stores that carry live data, and the router."""

from collections.abc import Sequence
from typing import Any, Protocol

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html

from dashboard.aria import aria
from dashboard.clientside import in_browser
from dashboard.sources import Sources

_NAVIGATION = (("Overview", "/"), ("Topology", "/topology"), ("Service", "/service"))
_THEME = {
    "fontFamily": "system-ui, -apple-system, 'Segoe UI', Roboto, Ubuntu, sans-serif",
    "fontFamilyMonospace": "ui-monospace, 'DejaVu Sans Mono', monospace",
    "primaryColor": "teal",
    "primaryShade": {"light": 9, "dark": 4},
    "autoContrast": True,
    "cursorType": "pointer",
}
# Dash's own document lacks a language, which screen readers need.
INDEX = """<!DOCTYPE html>
<html lang="en">
<head>{%metas%}<title>{%title%}</title>{%favicon%}{%css%}</head>
<body>{%app_entry%}<footer>{%config%}{%scripts%}{%renderer%}</footer></body>
</html>"""


class Page(Protocol):
    """What a module of ``pages`` offers."""

    def serves(self, path: str) -> bool:
        """True for the paths that are this page's."""

    def layout(self, path: str, search: str) -> Any:
        """The page as its URL says it."""

    def register(self, app: Dash, sources: Sources) -> None:
        """Adds the page's callbacks."""


def layout() -> Any:
    """The whole document."""
    return dmc.MantineProvider(
        id="mantine",
        theme=_THEME,
        forceColorScheme="light",
        children=[
            dcc.Location(id="url", refresh=False),
            # Live data: where things stand, the newest numbers, and two ticks for what the server draws.
            dcc.Store(id="shape"),
            dcc.Store(id="frame"),
            dcc.Store(id="beat"),
            dcc.Store(id="slow"),
            dcc.Store(id="tab", data={"visible": True, "live": True}),
            dcc.Store(id="scheme", data="light"),
            html.A("Skip to the page", href="#main", className="skip"),
            dmc.AppShell(
                [_header(), _navbar(), dmc.AppShellMain(html.Div(id="page"), id="main", tabIndex=-1)],
                header={"height": 56},
                navbar={"width": 180, "breakpoint": "sm", "collapsed": {"mobile": True}},
                padding="md",
            ),
        ],
    )


def _header() -> Any:
    return dmc.AppShellHeader(
        html.Div(
            [
                html.Div([html.Span("Tulle", className="brand"), _mobile_navigation()], className="header-left"),
                html.Div(
                    [
                        html.Span("connecting …", id="link", className="link", role="status"),
                        _button("live", "Pause", "Pause or resume live data (l)", pressed="false"),
                        _button("open-palette", "Find a service", "Find a service (/ or Ctrl+K)"),
                        _button("copy-link", "Copy link", "Copy a link to exactly this page"),
                        _button("open-sheet", "?", "Keyboard shortcuts (?)"),
                        dmc.SegmentedControl(
                            id="scheme-choice",
                            data=[{"value": value, "label": value.title()} for value in ("light", "dark", "auto")],
                            value="auto",
                            size="xs",
                            persistence=True,
                            attributes={"root": {"aria-label": "Colour scheme"}},
                        ),
                    ],
                    className="header-right",
                ),
            ],
            className="header",
        )
    )


def _button(name: str, text: str, title: str, **attributes: str) -> Any:
    return html.Button(text, id=name, title=title, type="button", className="plain", **aria(**attributes))


def _navbar() -> Any:
    links = [dmc.NavLink(label=label, href=path, id=f"nav-{label.lower()}") for label, path in _NAVIGATION]
    return dmc.AppShellNavbar(html.Nav(links, **aria(label="Pages")), p="xs")


def _mobile_navigation() -> Any:
    links = [dcc.Link(label, href=path) for label, path in _NAVIGATION]
    return html.Nav(links, className="narrow-navigation", **aria(label="Pages, narrow"))


def register(app: Dash, pages: Sequence[Page]) -> None:
    """Adds the router and the clientside callbacks of the shell."""

    @app.callback(
        Output("page", "children"),
        *(Output(f"nav-{label.lower()}", "active") for label, _ in _NAVIGATION),
        Input("url", "pathname"),
        State("url", "search"),
    )
    def route(path: str | None, search: str | None) -> tuple[Any, ...]:
        path = path or "/"
        page = next((page for page in pages if page.serves(path)), None)
        shown = page.layout(path, search or "") if page else missing(path)
        return shown, *(page is not None and page.serves(target) for _, target in _NAVIGATION)

    in_browser(
        app,
        "frame",
        Output("beat", "data"),
        Output("slow", "data"),
        Input("frame", "data"),
        State("shape", "data"),
    )
    in_browser(
        app,
        "scheme",
        Output("mantine", "forceColorScheme"),
        Output("scheme", "data"),
        Input("scheme-choice", "value"),
    )


def missing(path: str) -> Any:
    """What a path says that no page serves."""
    return html.Div(
        [html.H1("No such page"), html.P([html.Code(path), " is not a page of this dashboard."]), _home()],
        className="empty",
    )


def _home() -> Any:
    return dcc.Link("Go to the overview", href="/")
