"""The soak for some seconds, and its judgement: what would fail it does fail it."""

import json
import time
from pathlib import Path

import grpc
import pytest

from bench.load import Load
from tests.soak import report
from tests.soak.expected import Ledger, Made, by_mesh
from tests.soak.measured import Growth, Sample, growth
from tests.soak.soak import LEAST_GROWTH, MOST_PER_100K, SPARE_DESCRIPTORS, Outcome, Plan, Row, run
from tests.soak.variety import MIX

LOST = by_mesh(grpc.StatusCode.UNAVAILABLE, "upstream_reset")
OK = frozenset({(grpc.StatusCode.OK, None)})


def made(code: grpc.StatusCode, reason: str | None, *, whole: bool = True) -> Made:
    now = time.monotonic()
    return Made("unary", (code, reason), OK, now, now, "details", whole)


STEADY = Growth(0.0, 0.0, 1e6)


def row(growth: Growth = STEADY, descriptors: int = 10, broken: float = 0.0, panics: float = 0.0) -> Row:
    return Row("a sidecar", growth, 60.0, 10, descriptors, broken, panics, ())


@pytest.mark.real
def test_some_seconds_of_it_pass(tmp_path: Path) -> None:
    """Without the volume, whose programs are built by cargo."""
    outcome = run(tmp_path, Plan(seconds=6, warm_up=2, pause=2, every=0.5, rate=0))
    assert outcome.failures() == []
    assert "backend killed and restarted" in outcome.inflicted
    kinds = {kind for kind, _ in outcome.ledger.counts}
    assert kinds >= {maker.__name__ for weight, maker in MIX if weight >= 5}
    assert sum(outcome.ledger.counts.values()) >= 200
    report.write(outcome, tmp_path / "soak" / "soak.json")
    assert json.loads((tmp_path / "soak" / "soak.json").read_text())["passed"] is True
    assert report.table(outcome).endswith("passed")


def test_a_failure_is_explained_by_the_fault_in_force_and_by_no_other() -> None:
    ledger = Ledger()
    with ledger.explaining("a kill", LOST):
        ledger.add(made(grpc.StatusCode.UNAVAILABLE, "upstream_reset"))
        ledger.add(made(grpc.StatusCode.INTERNAL, "upstream_reset"))
        ledger.add(made(grpc.StatusCode.UNAVAILABLE, None))
    ledger.settle()
    assert ledger.counts[("unary", "UNAVAILABLE upstream_reset (a kill)")] == 1
    assert [line.split(": ")[1] for line in ledger.unexplained] == ["INTERNAL upstream_reset", "UNAVAILABLE None"]


def test_without_a_fault_nothing_is_explained() -> None:
    ledger = Ledger()
    ledger.add(made(grpc.StatusCode.UNAVAILABLE, "upstream_reset"))
    ledger.add(made(grpc.StatusCode.OK, None))
    ledger.add(made(grpc.StatusCode.OK, None, whole=False))
    ledger.settle()
    assert len(ledger.unexplained) == 2
    assert "bytes differ" in ledger.unexplained[1]


def test_a_fault_explains_a_call_that_it_overtook() -> None:
    ledger, early = Ledger(), time.monotonic()
    with ledger.explaining("a kill", LOST):
        during = time.monotonic()
    for ended in (during, early - 50):
        ending = (grpc.StatusCode.UNAVAILABLE, "upstream_reset")
        ledger.add(Made("bidi", ending, OK, early - 60, ended, "", is_whole=True))
    ledger.settle()
    assert len(ledger.unexplained) == 1, "the one that had ended before"


def test_the_slope_is_of_memory_over_calls() -> None:
    steady = [Sample(calls, 50.0 + calls / 100_000 * 2, 0.0) for calls in range(0, 500_000, 10_000)]
    found = growth(steady)
    assert found.per_100k == pytest.approx(2.0)
    assert found.over_all == pytest.approx(2.0 * 4.9)
    assert growth(steady[:1]) == Growth(0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    "bad",
    [
        row(Growth(MOST_PER_100K * 1.1, LEAST_GROWTH * 1.1, 1e6)),
        row(descriptors=10 + SPARE_DESCRIPTORS + 1),
        row(broken=1),
        row(panics=1),
    ],
)
def test_each_measure_fails_it(bad: Row) -> None:
    assert len(Outcome(Ledger(), [row(), bad]).failures()) == 1
    assert Outcome(Ledger(), [row(Growth(5.0, LEAST_GROWTH * 0.9, 1e5)), row(descriptors=12)]).failures() == []


def test_a_failed_call_of_the_volume_fails_it() -> None:
    assert Outcome(Ledger(), load=Load(10, 1, 1.0, 1.0, 1.0, 1.0)).failures() != []
    assert Outcome(Ledger(), load=Load(10, 0, 1.0, 1.0, 1.0, 1.0)).failures() == []
