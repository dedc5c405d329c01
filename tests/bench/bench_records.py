"""Records as a run would have made them."""

from collections.abc import Mapping

from bench.cells import Cell
from bench.figures import Spot
from bench.machine import Origin
from bench.matrix import CALM, CENTRE
from bench.store import Key, Record

HERE = Origin("2 cores of a test", "abc", "def")
FULL = Spot("centre", "plain", Cell(CENTRE).name)
QUIET = Spot("centre", "plain", Cell(CALM).name)


def record(
    system: str,
    number: int,
    figures: Mapping[str, float] | None = None,
    *,
    spot: Spot = FULL,
    failure: str = "",
    origin: Origin = HERE,
) -> Record:
    key = Key(spot.block, spot.place, spot.cell, system, number, 2.0)
    return Record(key, origin, "2026-11-29T10:00:00+00:00", dict(figures or {}), failure)


def rounds(system: str, spot: Spot, **figures: tuple[float, ...]) -> list[Record]:
    """A record a round: the n-th value of each figure in the n-th."""
    count = len(next(iter(figures.values())))
    return [
        record(system, n + 1, {name: values[n] for name, values in figures.items()}, spot=spot) for n in range(count)
    ]
