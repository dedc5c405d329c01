"""Rounds to rows, rows to a table and JSON."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

WIDTH = 132  # also where the output is a file
NUMBERS = ("calls_per_s", "cpu_us_saturated", "cpu_us_at_2000", "p50_us", "p99_us", "p999_us", "rss_mib")


@dataclass(frozen=True)
class Row:
    """One system in one place. CPU in microseconds a call, the sum of its processes; latency at 2,000 calls/s, from
    intended start times; memory after the load, the sum of its processes; `failed` counts every round."""

    system: str
    place: str
    payload_bytes: int
    calls_per_s: float
    cpu_us_saturated: float
    cpu_us_at_2000: float
    p50_us: float
    p99_us: float
    p999_us: float
    rss_mib: float
    failed: int


def medians(rounds: list[Row]) -> list[Row]:
    """The median of each number over the rounds of the same system, place and payload; failures add up."""
    groups: dict[tuple[str, str, int], list[Row]] = {}
    for row in rounds:
        groups.setdefault((row.system, row.place, row.payload_bytes), []).append(row)
    return [_median(rows) for rows in groups.values()]


def write(rows: list[Row], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")


def show(rows: list[Row]) -> None:
    """A table a place, each number with its ratio to Envoy's in the same run."""
    console = Console(width=WIDTH)
    for place, payload in dict.fromkeys((row.place, row.payload_bytes) for row in rows):
        chosen = [row for row in rows if (row.place, row.payload_bytes) == (place, payload)]
        console.print(_table(f"{place}, {payload} B", chosen))


def _table(title: str, rows: list[Row]) -> Table:
    table = Table(title=title, title_justify="left")
    for head in (
        "system",
        "calls/s",
        "CPU µs saturated",
        "CPU µs at 2,000/s",
        "p50 µs",
        "p99 µs",
        "p99.9 µs",
        "RSS MiB",
        "failed",
    ):
        table.add_column(head, justify="left" if head == "system" else "right")
    envoy = next((row for row in rows if row.system == "envoy"), None)
    for row in rows:
        table.add_row(row.system, *(_cell(row, envoy, name) for name in NUMBERS), str(row.failed))
    return table


def _cell(row: Row, envoy: Row | None, name: str) -> str:
    value = float(getattr(row, name))
    shown = f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
    if envoy is None or row is envoy or not value or not getattr(envoy, name):
        return shown
    return f"{shown} ({value / float(getattr(envoy, name)):.2f})"


def _median(rows: list[Row]) -> Row:
    numbers = {name: round(median(getattr(row, name) for row in rows), 3) for name in NUMBERS}
    return Row(rows[0].system, rows[0].place, rows[0].payload_bytes, failed=sum(row.failed for row in rows), **numbers)
