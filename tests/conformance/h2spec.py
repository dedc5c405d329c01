"""h2spec, strict, against the application-facing listener with nghttpd behind the other sidecar; three runs.

Its Go module cannot be had everywhere, so a program is used where one is found, and the table says so where none is.
"""

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from tests.conformance.lane import Lane, upstream_address
from tests.conformance.ports import free_port, wait_for
from tests.conformance.result import Result
from tests.conformance.toolchain import H2spec
from tests.support.process import Child

PART: Final = "h2spec"
CASES: Final = 147  # of commit af83a65f0b62, strict ones counted
RUNS: Final = 3
LIMIT: Final = 400.0  # seconds of a run; a case that waits in vain takes two


def run(lane: Lane, programs: H2spec) -> list[Result]:
    """A row a case and run."""
    port = free_port()
    page = lane.folder / "www" / "index.html"
    page.parent.mkdir()
    page.write_text("<p>a page that is not empty</p>")
    options = ["--no-tls", "--address=127.0.0.1", f"--htdocs={page.parent}"]
    server = Child.start("nghttpd", [str(programs.server), *options, str(port)], lane.folder)
    try:
        wait_for(server, port)
        lane.beside("web", port)
        caller = lane.caller_of("web")
        lane.reaches_any(caller, "web")
        address = upstream_address(caller, "web")
        return [result for number in range(RUNS) for result in _run(programs.program, address, lane.folder, number + 1)]
    finally:
        server.kill()


def _run(program: Path, address: str, folder: Path, number: int) -> list[Result]:
    host, _, port = address.rpartition(":")
    report, begun = folder / f"h2spec-{number}.xml", time.monotonic()
    command = [str(program), "--strict", "--host", host, "--port", port, "--junit-report", str(report)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT)
    if not report.exists():
        return [Result(PART, f"run {number}", f"no report: {(done.stdout + done.stderr)[-300:]}", 0)]
    results = parse(report.read_text(), number)
    if len(results) != CASES:
        reason = f"{len(results)} cases instead of {CASES}"
        results.append(Result(PART, f"run {number}", reason, time.monotonic() - begun))
    return results


def parse(report: str, number: int) -> list[Result]:
    """The rows of a JUnit report. A skipped case is a failed one."""
    suites = ElementTree.fromstring(report).iter("testsuite")  # noqa: S314 - our own child wrote it
    return [_row(case, number) for suite in suites for case in suite.iter("testcase")]


def _row(case: ElementTree.Element, number: int) -> Result:
    name = f"run {number}: {case.get('package')} {case.get('classname')}"
    reasons: Sequence[str] = [
        _said(case, kind) for kind in ("failure", "error", "skipped") if case.find(kind) is not None
    ]
    return Result(PART, name, "; ".join(reasons), float(case.get("time", "0")))


def _said(case: ElementTree.Element, kind: str) -> str:
    return " ".join([f"{kind}:", *(case.findtext(kind) or "").split()])
