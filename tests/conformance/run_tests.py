"""The negative HTTP/2 cases, which are written as tests, as rows of the table."""

import contextlib
import io
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.conformance.result import Result

NEGATIVE = Path(__file__).with_name("test_conformance_negative.py")


@dataclass
class _Rows:
    """A pytest plugin that keeps one result a test."""

    results: dict[str, Result] = field(default_factory=dict)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and report.passed:
            return
        name = report.nodeid.rpartition("::")[2]
        reason = "" if report.passed else report.longreprtext.strip().splitlines()[-1]
        self.results[name] = Result("negative http/2", name, reason, report.duration)


def run() -> list[Result]:
    """In this process, quietly. A run that broke off before its first test is one failure."""
    rows, said = _Rows(), io.StringIO()
    with contextlib.redirect_stdout(said):
        code = pytest.main(["-q", str(NEGATIVE)], plugins=[rows])
    if code is not pytest.ExitCode.OK and all(result.passed for result in rows.results.values()):
        return [Result("negative http/2", "the run", f"pytest ended with {code!r}: {said.getvalue()[-500:]}", 0)]
    return list(rows.results.values())
