"""The baseline's file: read as it was written, and what is wrong with it is told with file and remedy."""

import re
import tomllib
from pathlib import Path

import pytest

from bench.steps import __main__ as command
from bench.steps import baseline
from bench.steps.baseline import Made
from bench.steps.binary import HERE, ROOT, CannotCount

GOOD = '"made": {"rustc": "1", "valgrind": "3", "libc": "2", "machine": "x86_64"}'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{" + GOOD + "}",
        '{"made": {}, "instructions": {}}',
        "{" + GOOD + ', "instructions": {"codec-100B": "many"}}',
        "{" + GOOD + ', "instructions": {"codec-100B": 0}}',
        "{" + GOOD + ', "instructions": {"codec-100B": NaN}}',
        "{" + GOOD + ', "instructions": [1]}',
    ],
)
def test_an_unreadable_baseline_is_named_with_the_remedy(tmp_path: Path, text: str) -> None:
    path = tmp_path / "baseline.json"
    path.write_text(text)
    with pytest.raises(CannotCount, match=f"{re.escape(str(path))} is no baseline.*make bench-baseline"):
        baseline.read(path)


def test_a_missing_baseline_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(CannotCount, match=r"baseline\.json is missing: make bench-baseline"):
        baseline.read(tmp_path / "baseline.json")


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    baseline.write({"b": 2.04, "a": 1.0}, path)
    read = baseline.read(path)
    assert dict(read.instructions) == {"a": 1.0, "b": 2.0}
    assert read.made == Made.here()
    assert [file.name for file in tmp_path.iterdir()] == ["baseline.json"]


def test_what_differs_from_the_baselines_tools_is_told() -> None:
    then = Made("rustc 1.95", "valgrind 3.19", "glibc 2.36", "x86_64")
    assert then.differences(then) == []
    now = Made("rustc 1.99", "valgrind 3.19", "glibc 2.36", "x86_64")
    assert then.differences(now) == ["rustc is rustc 1.99, the baseline's was rustc 1.95"]


def test_writing_a_part_of_the_baseline_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--write", "--scenario", "codec-100B"]) == 2
    assert "leave --scenario" in capsys.readouterr().err


def test_the_engine_and_what_is_counted_are_built_from_the_same_versions() -> None:
    """Two lock files: a figure of other dependencies would be one of another program."""
    counted, shipped = versions(HERE / "Cargo.lock"), versions(ROOT / "engine" / "Cargo.lock")
    assert counted
    assert {name: found for name, found in counted.items() if not found <= shipped.get(name, set())} == {}


def versions(lock: Path) -> dict[str, set[str]]:
    """Of every package from a registry."""
    found: dict[str, set[str]] = {}
    for package in tomllib.loads(lock.read_text())["package"]:
        if "source" in package:
            found.setdefault(package["name"], set()).add(package["version"])
    return found
