"""Under valgrind: the count is the same each time, sees what is planted, and the committed baseline holds."""

from pathlib import Path

import pytest

from bench.steps import __main__ as command
from bench.steps import baseline, binary, callgrind, comparison
from bench.steps.baseline import Made
from bench.steps.binary import CannotCount
from bench.steps.comparison import Verdict

# The first of them builds, which may take minutes where nothing is built yet.
pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]
CALL = "outbound-100B"
# Loop steps a counted part, of which a call has some twenty: about 5 % of it.
PLANTED = 8


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    binary.build()


def test_the_same_code_takes_the_same_instructions_whatever_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    once = callgrind.count(CALL)
    monkeypatch.setenv("TULLE_ANYTHING", "x" * 999)
    assert callgrind.count(CALL) == pytest.approx(once, rel=0.002)


def test_five_percent_more_work_in_the_workers_part_fails() -> None:
    before, after = callgrind.count(CALL), callgrind.count(CALL, PLANTED)
    assert 1.04 < after / before < 1.06
    (row,) = comparison.compared({CALL: before}, {CALL: after})
    assert row.verdict is Verdict.WORSE


def test_the_committed_baseline_holds() -> None:
    held = baseline.read()
    if other := held.made.differences(Made.here()):
        pytest.skip(f"make bench-check compares nevertheless: {'; '.join(other)}")
    rows = comparison.compared(held.instructions, callgrind.count_all(binary.scenarios()))
    assert comparison.failures(rows) == []


def test_the_command_fails_and_says_which_figure_is_worse_than_a_baseline_of_other_tools(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = baseline.Baseline(Made("rustc 1.0", "valgrind 1", "libc 1", "z80"), {CALL: callgrind.count(CALL) / 1.04})
    monkeypatch.setattr(baseline, "read", lambda: before)
    assert command.main(["--scenario", CALL]) == 1
    told = capsys.readouterr().out
    assert f"FAILED {CALL} takes" in told
    assert "it may not be the change alone: rustc is rustc 1" in told


def test_an_unknown_scenario_is_refused_with_those_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--scenario", "outbound"]) == 2
    assert "--scenario outbound: there is no such scenario; there are codec-100B, " in capsys.readouterr().err


def test_a_scenarios_functions_are_shown_with_their_share(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--scenario", "codec-100B", "--functions"]) == 0
    first, second = capsys.readouterr().out.splitlines()[:2]
    assert first.startswith("codec-100B: ")
    assert "% " in second
    assert "::" in second


def test_a_missing_valgrind_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotCount, match="valgrind is missing: run make tools, or apt-get install valgrind"):
        callgrind.count(CALL)
