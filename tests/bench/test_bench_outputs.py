"""What other programs print is read as it is, and a surprise is a failure with their words."""

from dataclasses import replace

import pytest

from bench import h2load, kernel, load, probes
from bench.processes import ProcessFailed

SUMMARY = """
finished in 2.00s, 5.00 req/s, 1.2KB/s
requests: 10 total, 12 started, 10 done, 10 succeeded, {failed} failed, 0 errored, 0 timeout
"""
LOG = "\n".join(f"{1_700_000_000_000_000 + n * 1_000_000}\t200\t{1_000_000 - n}" for n in range(10))
PERF = """# started on Sun Nov 29

1200;;raw_syscalls:sys_enter;2000000000;100.00;;
340;;context-switches;2000000000;100.00;0.1;K/sec
<not supported>;;instructions;0;100.00;;
"""
STRACE = """% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.00    0.001000           1      1000         3 read
 40.00    0.000500           1       200           write
------ ----------- ----------- --------- --------- ----------------
100.00    0.001500           1      1200         3 total
"""


def loaded(ok: int, least: int, most: int) -> load.Load:
    return load.Load(ok, 0, 1.0, 1.0, 1.0, 1.0, by_connection={"least": least, "most": most})


def test_h2loads_rate_and_percentiles_are_read() -> None:
    seen = h2load.read(SUMMARY.format(failed=0), LOG)
    assert seen.calls_per_s == pytest.approx(1.0, rel=1e-5)
    assert (seen.p50_us, seen.p999_us) == (999_996.0, 1_000_000.0)


@pytest.mark.parametrize("summary", ["could not connect", SUMMARY.format(failed=1)], ids=["none", "one failed"])
def test_an_h2load_without_a_clean_run_is_a_failure(summary: str) -> None:
    with pytest.raises(ProcessFailed, match="h2load"):
        h2load.read(summary, LOG)


def test_what_perf_does_not_count_is_left_out() -> None:
    assert kernel.of_perf(PERF) == {"syscalls": 1200.0, "switches": 340.0}


def test_straces_total_is_read() -> None:
    assert kernel.of_strace(STRACE) == {"syscalls": 1200.0}
    assert kernel.of_strace("strace: attach: Operation not permitted") == {}


def test_unfairness_is_the_worst_connections_distance_from_the_mean() -> None:
    assert probes.unfairness(loaded(100, least=10, most=10), 10) == 0.0
    assert probes.unfairness(loaded(100, least=4, most=12), 10) == pytest.approx(0.6)
    assert probes.unfairness(loaded(100, least=9, most=15), 10) == pytest.approx(0.5)
    assert probes.unfairness(loaded(0, least=0, most=0), 10) > 1


def test_the_bill_of_a_closed_loop_is_for_the_calls_that_came_back_after_its_end_too() -> None:
    result = loaded(100, least=10, most=10)
    assert probes.answered(result) == 100
    assert probes.answered(replace(result, late=7)) == 107


def test_failures_are_told_by_kind_the_most_frequent_first() -> None:
    result = load.Load(0, 4, 1.0, 1.0, 1.0, 1.0, failures={"reset 7": 1, "grpc-status 8": 3})
    assert result.kinds == "grpc-status 8: 3, reset 7: 1"
