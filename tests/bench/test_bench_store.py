"""What was measured is kept, line by line, and counts for the same commit, programs and machine alone."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench.store import Store, done, ours_failed
from tests.bench.bench_records import HERE, record


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results" / "full.jsonl")


def test_what_is_appended_is_read(store: Store) -> None:
    first, second = record("tulle", 1, {"cpu_us": 1.5}), record("envoy", 1, failure="it did not start")
    store.append(first)
    store.append(second)
    assert Store(store.path).read() == [first, second]


def test_a_line_that_a_kill_cut_short_costs_itself_alone(store: Store) -> None:
    store.append(record("tulle", 1, {"cpu_us": 1.5}))
    store.path.write_text(store.path.read_text() + record("envoy", 1, {"cpu_us": 2.0}).to_json()[:40])
    store.append(record("haproxy", 1, {"cpu_us": 3.0}))
    assert [one.key.system for one in store.read()] == ["tulle", "haproxy"]


@pytest.mark.parametrize("field", ["machine", "commit", "programs"])
def test_records_of_another_origin_do_not_count(store: Store, field: str) -> None:
    store.append(record("tulle", 1, {"cpu_us": 1.5}, origin=replace(HERE, **{field: "another"})))
    assert store.of(HERE) == []


def test_of_the_same_measurement_the_last_counts(store: Store) -> None:
    store.append(record("tulle", 1, failure="it did not start"))
    store.append(record("tulle", 1, {"cpu_us": 1.5}))
    assert [one.figures for one in store.of(HERE)] == [{"cpu_us": 1.5}]


def test_what_failed_is_not_done(store: Store) -> None:
    good, bad, broken = (
        record("tulle", 1, {"failed": 0.0}),
        record("envoy", 1, {"failed": 1.0}),
        record("nginx", 1, failure="no"),
    )
    assert done([good, bad, broken]) == {good.key}


def test_only_a_failure_of_ours_fails_a_run() -> None:
    fine, refused = record("tulle", 1, {"cpu_us": 1.0}), record("haproxy", 1, failure="it did not answer")
    assert not ours_failed([fine, refused])
    assert ours_failed([fine, refused, record("tulle-off", 1, {"failed": 3.0})])
    assert ours_failed([record("tulle", 1, failure="it did not start")])
