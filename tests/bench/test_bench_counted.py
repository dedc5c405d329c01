"""Instructions a call are a slope: what a start costs is in neither side of it."""

import subprocess
import sys

import pytest

from bench.counted import Counted, slope
from bench.steps.binary import CannotCount


def test_what_a_start_costs_is_left_out() -> None:
    assert slope(Counted(100, 5_000_000 + 100 * 12), Counted(300, 5_000_000 + 300 * 12)) == 12


def test_runs_that_carried_the_same_cannot_tell() -> None:
    with pytest.raises(CannotCount, match="too busy"):
        slope(Counted(100, 1), Counted(100, 2))


def test_an_unknown_policy_is_named_with_those_that_there_are() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.counted", "most"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert done.stderr == "bench.counted: most is no policy; there are off, split, default, all\n"
