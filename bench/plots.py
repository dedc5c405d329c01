"""Four plots for the page, as SVG: the same figures give the same bytes."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.cells import Cell, Shape, size
from bench.figures import ADDED, Results, Spot
from bench.matrix import ALL, CALM, CENTRE
from bench.systems.base import PLACES

IMAGES = Path(__file__).parents[1] / "docs" / "images"
# Okabe and Ito's colours, told apart by eyes of every kind.
COLOURS = {
    "tulle": "#d55e00",
    "envoy": "#0072b2",
    "haproxy": "#009e73",
    "nginx": "#cc79a7",
    "l4": "#999999",
    "direct": "#000000",
}
TITLES = {"plain": "one hop, plaintext", "mtls_pair": "pair with mTLS"}
PAYLOADS = (100, 1024, 16 * 1024, 100 * 1024)
Painter = Callable[[Results], Figure]


def draw(results: Results, folder: Path = IMAGES) -> list[Path]:
    """Write all plots that there are figures for into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    painters = {
        "cpu-by-system.svg": cpu_by_system,
        "latency-added.svg": latency_added,
        "cpu-by-payload.svg": cpu_by_payload,
        "cpu-by-connections.svg": cpu_by_connections,
    }
    return [_save(painter, results, folder / name) for name, painter in painters.items()]


def cpu_by_system(results: Results) -> Figure:
    """CPU a call: a row a place, saturated on the left, at a calm rate on the right."""
    figure = Figure(figsize=(9, 5), layout="constrained")
    for row, axes in zip(PLACES, figure.subplots(2, 2), strict=True):
        for shape, name, one in zip((CENTRE, CALM), ("saturated", "at 2,000 calls/s"), axes, strict=True):
            spot = Spot("centre", row, Cell(shape).name)
            _bars(one, {system: results.middle(spot, system, "cpu_us") for system in ALL[1:]})
            one.set_title(f"{TITLES[row]}, {name}", loc="left")
            one.set_xlabel("CPU µs a call of 100 B")
    return figure


def latency_added(results: Results) -> Figure:
    """Latency at 2,000 calls/s over the direct call's, by percentile."""
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    percentiles = {"p50": "p50_us", "p90": "p90_us", "p99": "p99_us", "p99.9": "p999_us"}
    for place, one in zip(PLACES, figure.subplots(1, 2), strict=True):
        spot = Spot("centre", place, Cell(CALM).name)
        points = {
            system: [results.middle(spot, system, ADDED + name) for name in percentiles.values()] for system in ALL[1:]
        }
        _lines(one, list(percentiles), points)
        one.set_title(f"{TITLES[place]}, 2,000 calls/s", loc="left")
        one.set_ylabel("µs added to the direct call")
    return _with_legend(figure)


def cpu_by_payload(results: Results) -> Figure:
    """CPU a call, saturated, over the size of a message."""
    shapes = [replace(CENTRE, payload=payload) for payload in PAYLOADS]
    return _cpu_over(results, shapes, [size(payload) for payload in PAYLOADS], "size of the message, there and back")


def cpu_by_connections(results: Results) -> Figure:
    """CPU a call, saturated, over connections × streams."""
    counts = [(connections, streams) for connections in (1, 10, 100, 1000) for streams in (1, 10, 32)]
    shapes = [replace(CENTRE, connections=connections, streams=streams) for connections, streams in counts]
    names = [f"{connections}×{streams}" for connections, streams in counts]
    return _cpu_over(results, shapes, names, "connections × calls in flight on each")


def _cpu_over(results: Results, shapes: Sequence[Shape], names: list[str], axis: str) -> Figure:
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    for place, one in zip(PLACES, figure.subplots(1, 2), strict=True):
        points = {system: [_anywhere(results, place, shape, system) for shape in shapes] for system in ALL[1:]}
        _lines(one, names, points)
        one.set_title(f"{TITLES[place]}, saturated", loc="left")
        one.set_xlabel(axis)
        one.set_ylabel("CPU µs a call")
        one.tick_params(axis="x", rotation=45 if len(names) > len(PAYLOADS) else 0)
    return _with_legend(figure)


def _anywhere(results: Results, place: str, shape: Shape, system: str) -> float | None:
    """The cell's CPU a call, from whichever block has it."""
    for block in ("centre", "wide", "payload", "connections", "thousand"):
        found = results.middle(Spot(block, place, Cell(shape).name), system, "cpu_us")
        if found is not None:
            return found
    return None


def _bars(axes: Axes, values: dict[str, float | None]) -> None:
    known = {system: value for system, value in values.items() if value is not None}
    bars = axes.barh(list(known), list(known.values()), color=[COLOURS[system] for system in known])
    axes.bar_label(bars, fmt="%.3g", padding=3)
    axes.invert_yaxis()
    axes.margins(x=0.15)


def _lines(axes: Axes, names: list[str], points: dict[str, list[float | None]]) -> None:
    for system, values in points.items():
        known = [(name, value) for name, value in zip(names, values, strict=True) if value is not None and value > 0]
        axes.plot(
            [name for name, _ in known],
            [value for _, value in known],
            color=COLOURS[system],
            marker="o",
            markersize=3,
            linewidth=2.5 if system == "tulle" else 1.2,
            label=system,
        )
    if any(value and value > 0 for values in points.values() for value in values):
        axes.set_yscale("log")
    axes.grid(axis="y", which="major", linewidth=0.4, alpha=0.6)


def _with_legend(figure: Figure) -> Figure:
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    return figure


def _save(painter: Painter, results: Results, path: Path) -> Path:
    with mpl.rc_context():
        mpl.rc("svg", hashsalt="tulle", fonttype="none")
        mpl.rc("font", family="sans-serif", size=9)
        mpl.rc("axes.spines", top=False, right=False)
        painter(results).savefig(path, format="svg", metadata={"Date": None})
    path.write_text("".join(f"{line.rstrip()}\n" for line in path.read_text().splitlines()))
    return path
