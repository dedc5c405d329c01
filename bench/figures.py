"""Records to figures: by place, cell and system, round by round; and those that are made of two systems' figures."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from bench.store import Record

ADDED = "added_"  # before a latency: over the direct call of the same round
DIRECT = "direct"


@dataclass(frozen=True, order=True)
class Spot:
    """Where a figure belongs. The same cell may be in several blocks; it is not mixed between them."""

    block: str
    place: str
    cell: str


class Results:
    """What was measured, valid records only."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._rounds: dict[tuple[Spot, str], dict[int, dict[str, float]]] = {}
        for record in records:
            if record.is_valid:
                spot = Spot(record.key.block, record.key.place, record.key.cell)
                self._rounds.setdefault((spot, record.key.system), {})[record.key.round] = record.figures

    def rounds(self, spot: Spot, system: str, figure: str) -> dict[int, float]:
        """The figure of each round. "added_p99_us" is p99_us less the direct call's."""
        if figure.startswith(ADDED):
            own, bare = (self.rounds(spot, name, figure.removeprefix(ADDED)) for name in (system, DIRECT))
            return {number: own[number] - bare[number] for number in own.keys() & bare.keys()}
        there = self._rounds.get((spot, system), {})
        return {number: figures[figure] for number, figures in there.items() if figure in figures}

    def middle(self, spot: Spot, system: str, figure: str) -> float | None:
        """The median over the rounds, None where there is none."""
        values = self.rounds(spot, system, figure).values()
        return median(values) if values else None

    def systems(self, spot: Spot) -> list[str]:
        """Those with a figure here, as first measured."""
        return [system for there, system in self._rounds if there == spot]

    def spots(self, block: str, place: str) -> list[Spot]:
        """The cells of a block, as first measured."""
        found = dict.fromkeys(spot for spot, _ in self._rounds if (spot.block, spot.place) == (block, place))
        return list(found)
