"""A plan, carried out: round by round, block by block, the systems of a block there and back (ABBA).

Drift of a shared machine then hits all of a round alike, and ratios are taken within a round. What the store holds
already is left out, so that a run goes on where it was ended.
"""

import datetime
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from bench import session
from bench.cells import Block, Cell
from bench.line_up import BY_NAME
from bench.machine import Origin
from bench.session import Outcome
from bench.store import Key, Record, Store, done
from bench.systems.base import System

Look = Callable[[System, Block, Iterable[Cell]], Iterable[Outcome]]


@dataclass(frozen=True)
class Step:
    """One start of one system, and the cells that are wanted of it."""

    block: Block
    system: str
    number: int  # of the round, from 1
    cells: tuple[Cell, ...]


def run(blocks: Sequence[Block], store: Store, origin: Origin, look: Look = session.measure) -> list[Record]:
    """Measure what is missing and return all records of `blocks`, failed ones too. Raises nothing for those."""
    waiting = remaining(blocks, done(store.of(origin)))
    progress = _Progress(sum(len(step.cells) for step in waiting))
    for step in waiting:
        for outcome in look(BY_NAME[step.system], step.block, step.cells):
            key = key_of(step.block, outcome.cell, step.system, step.number)
            now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
            store.append(Record(key, origin, now, outcome.figures, outcome.failure))
            progress.tell(key, outcome.failure or _failed(outcome.figures))
    wanted = {key_of(block, cell, system, n) for block, n, system in _order(blocks) for cell in block.cells}
    return [record for record in store.of(origin) if record.key in wanted]


def remaining(blocks: Sequence[Block], there: set[Key]) -> list[Step]:
    """What is still to be measured, in order."""
    steps = []
    for block, number, system in _order(blocks):
        missing = tuple(cell for cell in block.cells if key_of(block, cell, system, number) not in there)
        if missing:
            steps.append(Step(block, system, number, missing))
    return steps


def key_of(block: Block, cell: Cell, system: str, number: int) -> Key:
    return Key(block.name, block.place, cell.name, system, number, block.seconds)


def _order(blocks: Sequence[Block]) -> Iterator[tuple[Block, int, str]]:
    for number in range(1, max((block.rounds for block in blocks), default=0) + 1):
        for block in blocks:
            if number > block.rounds:
                continue
            there = [name for name in block.systems if block.place in BY_NAME[name].places]
            for name in there if number % 2 else reversed(there):
                yield block, number, name


def _failed(figures: dict[str, float]) -> str:
    count = figures.get("failed", 0)
    return f"{count:.0f} failed calls" if count else ""


class _Progress:
    """What is being done, on stderr: "12/340, 21 min left: …"."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._made = 0
        self._since = time.monotonic()

    def tell(self, key: Key, failure: str) -> None:
        self._made += 1
        left = (time.monotonic() - self._since) / self._made * (self._total - self._made) / 60
        what = f"{key.place}, {key.cell}, {key.system}, round {key.round}"
        print(f"{self._made}/{self._total}, {left:.0f} min left: {what}", file=sys.stderr)
        if failure:
            print(f"    no figure: {failure}", file=sys.stderr)
