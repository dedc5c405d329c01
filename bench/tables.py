"""Figures to tables: heads and rows of text, for the terminal and for the page alike."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.figures import Results, Spot
from bench.pairs import Estimate, ratio
from bench.store import Record
from bench.targets import Target, Verdict

PEER = "envoy"
NONE = "—"


@dataclass(frozen=True)
class Table:
    """`heads[0]` is the name of the rows; every other column is of numbers. `note` explains it in a line."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Column:
    """A figure of one cell, shown beside its ratio to Envoy's where `compared`."""

    head: str
    spot: Spot
    figure: str
    compared: bool = False


def verdicts(judged: Sequence[Verdict]) -> Table:
    """A row a target, met or short."""
    heads = ("target", "ours", "theirs", "wanted", "found", "interval", "pairs", "")
    note = "Interval: 95 % by bootstrap of the median over the rounds; in [ ] the range, where there are fewer than 5."
    return Table("Targets", heads, tuple(_verdict(verdict) for verdict in judged), note)


def by_system(title: str, results: Results, columns: Sequence[Column], note: str = "") -> Table:
    """A row a system."""
    systems = dict.fromkeys(system for column in columns for system in results.systems(column.spot))
    rows = tuple((system, *(_cell(results, column, system) for column in columns)) for system in systems)
    return Table(title, ("system", *(column.head for column in columns)), rows, note)


def by_cell(title: str, results: Results, spots: Sequence[Spot], figure: str, note: str = "") -> Table:
    """A row a cell, a column a system; each beside its ratio to Envoy's."""
    systems = list(dict.fromkeys(system for spot in spots for system in results.systems(spot)))
    shown = [system for system in systems if any(results.rounds(spot, system, figure) for spot in spots)]
    rows = tuple(
        (spot.cell, *(_cell(results, Column("", spot, figure, compared=True), system) for system in shown))
        for spot in spots
    )
    return Table(title, ("cell", *shown), rows, note)


def without_figures(records: Sequence[Record]) -> Table:
    """What failed, and why."""
    rows = tuple(_reason(record) for record in records if not record.is_valid)
    return Table("Without a figure", ("cell", "system", "round", "reason"), rows)


def cold_bursts(records: Sequence[Record]) -> Table:
    """Which systems failed calls of the first bursts of a shape, and at most how many."""
    most: dict[tuple[str, str], float] = {}
    for record in records:
        if refused := record.figures.get("cold_failed", 0.0):
            spot = (f"{record.key.place}, {record.key.cell}", record.key.system)
            most[spot] = max(refused, most.get(spot, 0.0))
    rows = tuple((*spot, number(refused)) for spot, refused in most.items())
    note = "Before the figure, which begins when a burst has passed whole."
    return Table("Calls that failed in a cold burst", ("cell", "system", "failed"), rows, note)


def number(value: float | None) -> str:
    """Three digits that count: 12,345 and 0.0712."""
    if value is None:
        return NONE
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value else "0"


def _cell(results: Results, column: Column, system: str) -> str:
    value = results.middle(column.spot, system, column.figure)
    shown = number(value)
    if not column.compared or system == PEER or not value:
        return shown
    compared = ratio(
        results.rounds(column.spot, system, column.figure), results.rounds(column.spot, PEER, column.figure)
    )
    return f"{shown} ({compared.middle:.2f})" if compared else shown


def _verdict(verdict: Verdict) -> tuple[str, ...]:
    target, found = verdict.target, verdict.found
    return (
        target.what,
        number(verdict.ours),
        f"{target.theirs} {number(verdict.theirs)}" if target.theirs else "",
        _wanted(target),
        number(found.middle) if found else NONE,
        _interval(found),
        str(found.pairs) if found else "0",
        verdict.judgement,
    )


def _reason(record: Record) -> tuple[str, ...]:
    key, failed = record.key, record.figures.get("failed", 0)
    return (f"{key.place}, {key.cell}", key.system, str(key.round), record.failure or f"{failed:.0f} failed calls")


def _wanted(target: Target) -> str:
    sign = "≤" if target.sense == "at most" else "≥"
    return f"{sign} {target.bound:g}{' ×' if target.how == 'ratio' else ''}"


def _interval(found: Estimate | None) -> str:
    if not found:
        return NONE
    between = f"{number(found.low)} to {number(found.high)}"
    return between if found.is_interval else f"[{between}]"
