"""A plan goes there and back through its systems, goes on after a failure, and takes up what is missing."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from bench import matrix, measure
from bench.cells import Block, Cell
from bench.line_up import BY_NAME
from bench.matrix import CALM, CENTRE
from bench.session import Outcome
from bench.store import Store
from bench.systems.base import System
from tests.bench.bench_records import HERE

BLOCK = Block("centre", "plain", (Cell(CENTRE), Cell(CALM)), ("direct", "tulle", "envoy"), rounds=2, seconds=1.0)


class Looks:
    """Stands for real sessions: figures for everybody but `broken`, and what was asked for."""

    def __init__(self, broken: str = "") -> None:
        self.asked: list[tuple[str, int]] = []
        self._broken = broken

    def __call__(self, system: System, block: Block, cells: Iterable[Cell]) -> Iterator[Outcome]:
        wanted = list(cells)
        self.asked.append((system.name, len(wanted)))
        for cell in wanted:
            is_broken = system.name == self._broken
            yield Outcome(cell, {} if is_broken else {"failed": 0.0}, "it did not start" if is_broken else "")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "full.jsonl")


def test_the_second_round_goes_the_other_way(store: Store) -> None:
    looks = Looks()
    measure.run([BLOCK], store, HERE, looks)
    assert [name for name, _ in looks.asked] == ["direct", "tulle", "envoy", "envoy", "tulle", "direct"]


def test_a_system_that_fails_is_recorded_and_the_others_are_measured(store: Store) -> None:
    records = measure.run([BLOCK], store, HERE, Looks(broken="tulle"))
    assert len(records) == 12
    assert {record.key.system for record in records if not record.is_valid} == {"tulle"}
    assert {record.failure for record in records} == {"", "it did not start"}


def test_a_second_run_makes_only_what_is_missing(store: Store) -> None:
    measure.run([BLOCK], store, HERE, Looks(broken="envoy"))
    again = Looks()
    records = measure.run([BLOCK], store, HERE, again)
    assert again.asked == [("envoy", 2), ("envoy", 2)]
    assert len(records) == 12
    assert all(record.is_valid for record in records)


def test_a_run_that_was_killed_goes_on_at_the_cell_where_it_was(store: Store) -> None:
    measure.run([BLOCK], store, HERE, Looks())
    lines = store.path.read_text().splitlines()
    store.path.write_text("\n".join(lines[:3]) + "\n")
    again = Looks()
    measure.run([BLOCK], store, HERE, again)
    assert again.asked[0] == ("tulle", 1)


def test_systems_of_another_place_are_left_out() -> None:
    block = Block("handshakes", "mtls_ingress", (Cell(CENTRE),), ("direct", "tulle"), rounds=1, seconds=1.0)
    assert [step.system for step in measure.remaining([block], set())] == ["tulle"]


def test_the_whole_matrix_names_systems_that_there_are_and_every_cell_once() -> None:
    blocks = matrix.full()
    assert {name for block in blocks for name in block.systems} <= BY_NAME.keys()
    keys = [measure.key_of(block, cell, "tulle", 1) for block in blocks for cell in block.cells]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(
    ("blocks", "minutes"),
    [(matrix.full(), 63), (matrix.quick(CENTRE, matrix.ALL, 3, 2.0), 5)],
    ids=["bench-full", "bench"],
)
def test_the_matrix_keeps_to_its_time(blocks: tuple[Block, ...], minutes: float) -> None:
    start, warm_up = 1.3, 0.7  # seconds: a system's start, ours among five others; warm-up with its process
    steps = measure.remaining(blocks, set())
    seconds = sum(start + len(step.cells) * (step.block.seconds + warm_up) for step in steps)
    assert seconds / 60 <= minutes
