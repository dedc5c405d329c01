"""Charts of a service over time, and their table twins: the same rows drawn and written."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import plotly.graph_objects as go

from dashboard import wording
from dashboard.queries import moment
from protos.tulle.v1.telemetry_pb2 import SeriesResponse


@dataclass(frozen=True)
class Palette:
    """Colours of one theme, each with contrast of at least 4.5 : 1 on its background."""

    text: str
    grid: str
    first: str
    second: str
    third: str
    scale: tuple[tuple[float, str], ...]


PALETTES = {
    "light": Palette(
        "#1b1f27", "#e3e6ea", "#00795b", "#b8341b", "#5b3fd6", ((0.0, "#dff3ec"), (0.15, "#b3dfd1"), (1.0, "#00543f"))
    ),
    "dark": Palette(
        "#e6e8ec", "#343942", "#2bc79a", "#ff7a5c", "#b3a1ff", ((0.0, "#20463b"), (0.15, "#236350"), (1.0, "#8ff5d5"))
    ),
}


@dataclass(frozen=True)
class Line:
    """A named line; dash keeps it apart from the others without colour."""

    name: str
    values: Sequence[float | None]
    dash: str


def times(series: SeriesResponse) -> list[datetime]:
    """The moments of the points, in UTC."""
    return [moment(at) for at in series.time_unix_ms]


def rate_lines(series: SeriesResponse, step_s: float) -> list[Line]:
    """Calls, faults and client errors, each a second."""
    points = series.points
    return [
        Line("calls", [point.rate for point in points], "solid"),
        Line("faults", [point.faults / step_s for point in points], "dash"),
        Line("client errors", [point.client_errors / step_s for point in points], "dot"),
    ]


def latency_lines(series: SeriesResponse) -> list[Line]:
    """p50, p95 and p99 in ms; a gap where nothing was called."""

    def values(name: str) -> list[float | None]:
        return [getattr(point, name) if point.calls else None for point in series.points]

    return [
        Line("p50", values("p50_ms"), "solid"),
        Line("p95", values("p95_ms"), "dash"),
        Line("p99", values("p99_ms"), "dot"),
    ]


def line_figure(at: Sequence[datetime], lines: Sequence[Line], unit: str, scheme: str) -> go.Figure:
    """Lines over time."""
    palette = PALETTES[scheme]
    colours = (palette.first, palette.second, palette.third)
    figure = go.Figure(layout=_layout(palette, unit))
    for line, colour in zip(lines, colours, strict=True):
        style = {"color": colour, "dash": line.dash, "width": 2}
        hover = f"%{{y:.3g}} {unit}"
        # scattergl above 5,000 points (design: dashboard, "How it is built"); our steps keep every range far below.
        figure.add_trace(go.Scatter(x=list(at), y=list(line.values), name=line.name, line=style, hovertemplate=hover))
    figure.update_yaxes(rangemode="tozero")
    return figure


def heat_figure(series: SeriesResponse, scheme: str) -> go.Figure:
    """How many calls took how long, by time."""
    palette = PALETTES[scheme]
    figure = go.Figure(layout=_layout(palette, ""))
    rows = heat_rows(series)
    figure.add_trace(
        go.Heatmap(
            x=times(series),
            y=[label for label, _ in rows],
            z=[[count or None for count in counts] for _, counts in rows],
            colorscale=[list(stop) for stop in palette.scale],
            colorbar={"title": {"text": "calls"}, "thickness": 10, "outlinewidth": 0},
            hovertemplate="%{y}: %{z} calls<extra></extra>",
            hoverongaps=False,
        )
    )
    figure.update_yaxes(type="category")
    return figure


def heat_rows(series: SeriesResponse) -> list[tuple[str, list[int]]]:
    """(bucket, counts over time), fastest first, without the empty buckets at both ends."""
    bounds = list(series.bounds_ms)
    labels = [f"≤ {_bound(bound)}" for bound in bounds] + ([f"> {_bound(bounds[-1])}"] if bounds else [])
    rows = [
        (label, [column.counts[at] if at < len(column.counts) else 0 for column in series.heat])
        for at, label in enumerate(labels)
    ]
    used = [at for at, (_, counts) in enumerate(rows) if any(counts)]
    return rows[used[0] : used[-1] + 1] if used else []


def lines_rows(at: Sequence[datetime], lines: Sequence[Line]) -> list[dict[str, Any]]:
    """The table twin of a line chart, newest first: "UTC" and a column a line."""
    return [
        {"UTC": when.strftime("%m-%d %H:%M:%S"), **{line.name: _number(line.values[index]) for line in lines}}
        for index, when in reversed(list(enumerate(at)))
    ]


def heat_totals(series: SeriesResponse) -> list[dict[str, Any]]:
    """The table twin of the heat map: calls a bucket over the whole range."""
    return [{"latency": label, "calls": sum(counts)} for label, counts in heat_rows(series)]


def _layout(palette: Palette, unit: str) -> go.Layout:
    axis = {"gridcolor": palette.grid, "zerolinecolor": palette.grid, "linecolor": palette.grid}
    return go.Layout(
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": palette.text, "family": "system-ui, sans-serif", "size": 12},
        margin={"l": 56, "r": 12, "t": 28, "b": 32},
        height=250,
        showlegend=True,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        hovermode="x unified",
        hoverlabel={"bgcolor": palette.grid, "font": {"color": palette.text}},
        uirevision="kept",
        xaxis={**axis, "tickformat": "%H:%M:%S", "nticks": 6},
        yaxis={**axis, "title": {"text": unit}},
    )


def _bound(milliseconds: float) -> str:
    return f"{milliseconds / 1000:g} s" if milliseconds >= 1000 else f"{milliseconds:g} ms"


def _number(value: float | None) -> str:
    return wording.NOTHING if value is None else wording.short(value)
