"""Targets are judged by paired rounds, without the figures that have a failed call."""

from dataclasses import replace

import pytest

from bench import matrix
from bench.figures import Results, Spot
from bench.store import Record
from bench.targets import TARGETS, Target, judge
from tests.bench.bench_records import FULL, QUIET, record, rounds

CPU = Target("CPU", FULL, "cpu_us", "envoy", 0.12)


def found(target: Target, *records: Record) -> tuple[float | None, str]:
    (verdict,) = judge(Results(records), (target,))
    return (round(verdict.found.middle, 6) if verdict.found else None), verdict.judgement


def test_every_target_is_of_something_that_the_matrix_measures() -> None:
    blocks = matrix.full()
    measured = {Spot(b.name, b.place, cell.name): set(b.systems) for b in blocks for cell in b.cells}
    for target in TARGETS:
        assert target.ours in measured[target.spot], target
        assert {target.theirs} - {""} <= measured[target.spot], target
        if target.figure.startswith("added_"):
            assert "direct" in measured[target.spot]


def test_a_ratio_under_its_bound_is_met_and_over_it_short() -> None:
    ours, theirs = rounds("tulle", FULL, cpu_us=(1.0, 1.2)), rounds("envoy", FULL, cpu_us=(10.0, 10.0))
    assert found(CPU, *ours, *theirs) == (0.11, "met")
    assert found(replace(CPU, bound=0.1), *ours, *theirs) == (0.11, "short")
    assert found(replace(CPU, sense="at least"), *ours, *theirs) == (0.11, "short")


def test_without_the_peers_figure_there_is_none() -> None:
    assert found(CPU, *rounds("tulle", FULL, cpu_us=(1.0,))) == (None, "no figure")


@pytest.mark.parametrize(("failed", "failure"), [(3.0, ""), (0.0, "it did not start")], ids=["calls", "start"])
def test_a_figure_with_failures_is_none(failed: float, failure: str) -> None:
    ours = record("tulle", 1, {"cpu_us": 0.1, "failed": failed}, failure=failure)
    assert found(CPU, ours, *rounds("envoy", FULL, cpu_us=(10.0,))) == (None, "no figure")


def test_added_latency_is_over_the_direct_call_of_the_same_round() -> None:
    target = Target("p99", QUIET, "added_p99_us", "envoy", 0.5)
    direct = rounds("direct", QUIET, p99_us=(100.0, 300.0))
    ours, theirs = rounds("tulle", QUIET, p99_us=(140.0, 340.0)), rounds("envoy", QUIET, p99_us=(200.0, 400.0))
    assert found(target, *direct, *ours, *theirs) == (0.4, "met")


def test_policy_on_is_judged_by_its_excess_and_by_its_microseconds() -> None:
    off, on = rounds("tulle-off", FULL, cpu_us=(1.0,)), rounds("tulle", FULL, cpu_us=(1.3,))
    target = replace(CPU, theirs="tulle-off")
    assert found(replace(target, how="excess", bound=0.25), *off, *on) == (0.3, "short")
    assert found(replace(target, how="difference", bound=0.5), *off, *on) == (0.3, "met")


def test_a_figure_that_is_to_be_large_is_judged_from_below() -> None:
    ours, theirs = rounds("tulle", FULL, calls_per_s=(190.0,)), rounds("other", FULL, calls_per_s=(200.0,))
    target = Target("workers", FULL, "calls_per_s", "other", 0.9, sense="at least")
    assert found(target, *ours, *theirs) == (0.95, "met")
    assert found(replace(target, bound=0.96), *ours, *theirs) == (0.95, "short")


def test_a_figure_of_ours_alone_is_judged_by_its_value() -> None:
    target = replace(CPU, figure="unfairness", theirs="", how="value", bound=0.2)
    assert found(target, *rounds("tulle", FULL, unfairness=(0.1, 0.3, 0.15))) == (0.15, "met")
