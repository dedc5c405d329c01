"""A plan in small, over real processes: every figure that the tables need is there, without a failed call."""

from pathlib import Path

import pytest

from bench import centre, load, matrix, measure, session
from bench.cells import Block
from bench.figures import Results
from bench.machine import Origin
from bench.matrix import CENTRE
from bench.processes import Pinned, ProcessFailed
from bench.store import Store
from bench.systems.base import PLACES, Running, Setting


class Broken:
    """A system whose second process does not start."""

    name = "broken"
    places = PLACES

    def __init__(self) -> None:
        self.first: Pinned | None = None

    def start(self, setting: Setting) -> Running:
        self.first = Pinned.start("first", ["sleep", "600"], 0, setting.folder)
        raise ProcessFailed("broken does not listen")


pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]  # the first build takes minutes


@pytest.fixture(scope="module")
def blocks() -> list[Block]:
    load.build()
    return [block for block in matrix.quick(CENTRE, ("direct", "tulle"), 1, 0.3) if block.place == "plain"]


def test_a_hop_and_the_direct_call_are_measured(tmp_path: Path, blocks: list[Block]) -> None:
    records = measure.run(blocks, Store(tmp_path / "small.jsonl"), Origin.here())
    assert [(record.failure, record.figures.get("failed")) for record in records] == [("", 0.0)] * 4
    table = centre.table("plain", Results(records))
    assert [row[0] for row in table.rows] == ["direct", "tulle"]
    assert all(cell != "—" for cell in table.rows[1]), table.rows


def test_a_system_that_does_not_start_costs_its_own_cells_alone(blocks: list[Block]) -> None:
    (block,) = blocks
    broken = Broken()
    outcomes = list(session.measure(broken, block, block.cells))
    assert [outcome.failure for outcome in outcomes] == ["broken does not listen"] * len(block.cells)
    assert broken.first is not None
    assert broken.first.process.wait(timeout=0.1) is not None, "what it left behind was stopped"
