"""`make flakes` on suites that fail as they are told to."""

import os
import sys
import time
from pathlib import Path

import pytest

from tests.flakes.load import load
from tests.flakes.running import Found, kept, repeat
from tests.flakes.suites import Suite, UnknownSuite, chosen, pytest_failures, rust_failures

CARGO = """\
     Running unittests src/lib.rs (target/debug/deps/tulle_proxy-0123456789abcdef)
test pool::tests::one ... ok
     Running tests/loop.rs (target/debug/deps/loop-fedcba9876543210)
test a_reply_is_whole ... FAILED
test a_caller_waits ... ok
"""
PYTEST = "FAILED tests/a/test_a.py::test_one[x] - assert 1 == 2\nERROR tests/b/test_b.py::test_two\n1 failed in 0.1s\n"

# Fails in every second run, and says so as cargo does.
EVERY_SECOND = """\
import pathlib, sys
runs = pathlib.Path(sys.argv[1])
count = len(runs.read_text()) if runs.exists() else 0
runs.write_text("x" * (count + 1))
print(f"run {count}")
print(f"test now_and_then ... {'FAILED' if count % 2 else 'ok'}")
sys.exit(count % 2)
"""


def script(text: str, *arguments: str, folder: Path) -> Suite:
    return Suite("told", (sys.executable, "-c", text, *arguments), folder, rust_failures)


def repeated(suite: Suite, folder: Path, times: int = 4, seconds: float = 60) -> Found:
    return repeat(suite, times, time.monotonic() + seconds, folder, lambda _: None)


def test_what_fails_is_counted_and_its_first_output_is_kept(tmp_path: Path) -> None:
    found = repeated(script(EVERY_SECOND, str(tmp_path / "runs"), folder=tmp_path), tmp_path / "kept")
    assert (found.runs, dict(found.failures)) == (4, {"::now_and_then": 2})
    assert "run 1" in kept(tmp_path / "kept", "::now_and_then").read_text()


def test_a_run_that_names_no_test_is_named_by_its_suite(tmp_path: Path) -> None:
    found = repeated(script("raise SystemExit(101)", folder=tmp_path), tmp_path, times=1)
    assert dict(found.failures) == {"told: ended with 101 and named no test": 1}


def test_a_run_whose_time_is_over_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    child = f"open({str(tmp_path / 'child')!r}, 'w').write(str(os.getpid())); print('up', flush=True); time.sleep(600)"
    forks = f"import os, time; os.fork(); {child}"
    found = repeated(script(forks, folder=tmp_path), tmp_path, seconds=2)
    assert dict(found.failures) == {"told: not done when the time was over": 1}
    assert found.runs == 1
    assert is_gone(int((tmp_path / "child").read_text()))


def test_the_load_ends_with_the_run() -> None:
    with load(2) as busy:
        assert len(busy) == 2
        assert not any(is_gone(pid) for pid in busy)
    assert all(is_gone(pid) for pid in busy)


def test_failures_are_read_from_cargo_and_from_pytest() -> None:
    assert rust_failures(CARGO) == ["loop::a_reply_is_whole"]
    assert pytest_failures(PYTEST) == ["tests/a/test_a.py::test_one[x]", "tests/b/test_b.py::test_two"]


def test_suites_are_chosen_by_name_and_others_are_refused_by_name() -> None:
    assert [suite.name for suite in chosen(["proxy", "rust"])] == ["proxy", "http2", "mesh", "sim"]
    with pytest.raises(UnknownSuite, match="rest is no suite; the suites are http2, mesh,"):
        chosen(["rest"])


def is_gone(pid: int) -> bool:
    """Whether no process has this id, or only what is left of one."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
