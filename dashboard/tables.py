"""Small tables and facts as plain semantic HTML."""

from collections.abc import Iterable, Sequence
from typing import Any

from dash import html

from dashboard.aria import aria


def table(caption: str, headings: Sequence[str], rows: Iterable[Sequence[Any]], nothing: str) -> Any:
    """A table with a caption for screen readers; ``nothing`` stands there when it has no row.

    A heading that begins with "#" is a number's: it and its column stand to the right.
    """
    right = [heading.startswith("#") for heading in headings]
    body = [_row(row, right) for row in rows]
    if not body:
        return html.P(nothing, className="quiet")
    head = [
        html.Th(heading.lstrip("#"), scope="col", className="number" if at else "")
        for heading, at in zip(headings, right, strict=True)
    ]
    content = [html.Caption(caption, className="unseen"), html.Thead(html.Tr(head)), html.Tbody(body)]
    return html.Div(
        html.Table(content, className="plain-table"),
        className="table-scroll",
        tabIndex=0,
        role="region",
        **aria(label=caption),
    )


def facts(pairs: Iterable[tuple[str, Any]]) -> Any:
    """Names with their values, as tiles."""
    return html.Dl([html.Div([html.Dt(name), html.Dd(value)]) for name, value in pairs], className="facts")


def section(title: str, *children: Any, look: str = "card") -> Any:
    """A titled part of a page."""
    return html.Section([html.H2(title), *children], className=look)


def _row(cells: Sequence[Any], right: Sequence[bool]) -> Any:
    return html.Tr([html.Td(cell, className="number" if at else "") for cell, at in zip(cells, right, strict=True)])
