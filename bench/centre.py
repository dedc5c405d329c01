"""The table that says most: every system at saturation and at a calm rate, in one place."""

from dataclasses import replace

from bench.cells import Cell, Shape
from bench.figures import ADDED, Results, Spot
from bench.matrix import CENTRE, RATE
from bench.tables import Column, Table, by_system

NOTE = "In brackets: the median of the rounds' ratios to Envoy. Added: over the direct call of the same round."


def table(place: str, results: Results, shape: Shape = CENTRE, block: str = "centre") -> Table:
    """A row a system: calls/s, CPU a call, latency added to the direct call, memory."""
    full = Spot(block, place, Cell(shape).name)
    calm = Spot(block, place, Cell(replace(shape, rate=RATE)).name)
    columns = (
        Column("calls/s", full, "calls_per_s"),
        Column("CPU µs, saturated", full, "cpu_us", compared=True),
        Column(f"CPU µs at {RATE:,}/s", calm, "cpu_us", compared=True),
        Column("p50 µs", calm, "p50_us"),
        Column("p99 µs", calm, "p99_us"),
        Column("p99.9 µs", calm, "p999_us"),
        Column("p50 added", calm, f"{ADDED}p50_us", compared=True),
        Column("p99 added", calm, f"{ADDED}p99_us", compared=True),
        Column("RSS MiB", calm, "rss_mib"),
    )
    return by_system(f"{place}: {shape.name}", results, columns, NOTE)
