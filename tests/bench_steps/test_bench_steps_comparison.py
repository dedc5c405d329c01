"""A count beside its baseline: what fails, what is only told, and what the lines say."""

from collections import Counter

import pytest

from bench.steps import callgrind
from bench.steps.binary import CannotCount
from bench.steps.comparison import Row, Verdict, compared, failures, hints, table
from bench.steps.functions import by_function


@pytest.mark.parametrize(
    ("now", "verdict"),
    [(1_031, Verdict.WORSE), (1_029, Verdict.HELD), (971, Verdict.HELD), (969, Verdict.BETTER)],
)
def test_three_percent_is_the_line(now: float, verdict: Verdict) -> None:
    assert Row("outbound-100B", 1_000, now).verdict is verdict


def test_a_worse_figure_names_the_scenario_both_figures_and_the_remedy() -> None:
    (line,) = failures([Row("outbound-100B", 10_000, 10_310), Row("codec-100B", 10_000, 10_290)])
    for part in ("outbound-100B takes 10,310.0", "baseline has 10,000.0", "1.031", "mend it", "make bench-baseline"):
        assert part in line
    assert "may not be the change alone" not in line


def test_another_compiler_is_named_as_a_cause_beside_the_change() -> None:
    (line,) = failures([Row("codec-100B", 100, 110)], ["rustc is 1.99, the baseline's was 1.95"])
    assert "it may not be the change alone: rustc is 1.99, the baseline's was 1.95" in line


def test_a_scenario_on_one_side_only_fails_and_says_which() -> None:
    rows = compared({"old": 5.0, "both": 5.0}, {"both": 5.0, "new": 5.0})
    assert [(row.scenario, row.verdict) for row in rows] == [
        ("both", Verdict.HELD),
        ("new", Verdict.NEW),
        ("old", Verdict.GONE),
    ]
    new, old = failures(rows)
    assert "new is not in the baseline: make bench-baseline" in new
    assert "old is in the baseline and nothing counts it any more: make bench-baseline" in old


def test_what_got_better_is_a_hint_and_no_failure() -> None:
    rows = [Row("codec-100B", 100, 90)]
    assert not failures(rows)
    assert "codec-100B; make bench-baseline keeps what was gained" in hints(rows)[0]
    assert not hints([Row("codec-100B", 100, 99)])


def test_the_table_has_a_line_a_scenario() -> None:
    head, line = table([Row("codec-100B", 10_000, 10_310)]).splitlines()
    assert head.split() == ["scenario", "baseline", "now", "ratio", "verdict"]
    assert line.split() == ["codec-100B", "10,000.0", "10,310.0", "1.0310", "WORSE"]


@pytest.mark.parametrize("profile", ["", "events: Ir\nsummary: 0\n\ntotals: 0\n"])
def test_a_profile_in_which_nothing_was_counted_is_an_error(profile: str) -> None:
    with pytest.raises(CannotCount, match="counted nothing"):
        callgrind.total(profile)


def test_a_function_has_what_was_inlined_into_it() -> None:
    told = """\
Ir
29,000 (100.0%)  PROGRAM TOTALS

Ir                  file:function
1,400 ( 4.75%)  http2/src/connection/receive.rs:http2::connection::<impl http2::connection::Connection>::receive [/a/b]
  300 ( 2.65%)  library/vec.rs:http2::connection::<impl http2::connection::Connection>::receive
   20 ( 0.05%)  ./string/memcmp.S:__memcmp_sse2 [/usr/lib/libc.so.6]
"""
    assert by_function(told) == Counter({"http2::connection::Connection::receive": 1_700, "__memcmp_sse2": 20})
