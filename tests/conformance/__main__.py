"""`python -m tests.conformance`: every part, a table, a file of results, exit code 1 on any failure."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conformance import h2spec, interop, interop_stacks, run_sections, run_tests, toolchain, upstream
from tests.conformance.connect import suite
from tests.conformance.hpack_codec import round_trips, stories
from tests.conformance.hpack_codec.codec import codec
from tests.conformance.lane import Lane
from tests.conformance.result import NotRun, Result, table, write
from tests.support.process import ROOT, NotReady

FILE = toolchain.CACHE / "conformance.json"
H2SPECD = NotRun("h2specd", "not wired: no program to try it with; the part `upstream side` stands in its place")

Part = Callable[[], list[Result]]


def main() -> int:
    try:
        parts, not_run = _parts()
    except toolchain.Missing as error:
        print(f"conformance: {error}", file=sys.stderr)
        return 2
    begun = time.monotonic()
    results: list[Result] = []
    for name, part in parts:
        results += _run(name, part)
        told = f"{len(results)} cases, {sum(not result.passed for result in results)} failed"
        print(f"after {time.monotonic() - begun:.0f} s: {told}; last: {name}", file=sys.stderr)
    write(results, not_run, FILE)
    print(table(results, not_run))
    print(f"{len(results)} cases in {time.monotonic() - begun:.0f} s; written to {FILE.relative_to(ROOT)}")
    return int(not all(result.passed for result in results))


def _run(name: str, part: Part) -> list[Result]:
    """A part that breaks off is a failure; the others are still run."""
    begun = time.monotonic()
    try:
        return part()
    except (AssertionError, NotReady, OSError, subprocess.SubprocessError) as error:
        return [Result(name, "the run", " ".join(str(error).split())[-500:], time.monotonic() - begun)]


def _parts() -> tuple[list[tuple[str, Part]], list[NotRun]]:
    """In the order of the table. Raises Missing."""
    go, packages, connect = toolchain.go_interop(), toolchain.js_packages(), toolchain.connect_programs()
    hpack = toolchain.hpack()
    clients, servers = interop_stacks.clients(go, packages), interop_stacks.servers(go, packages)
    parts: list[tuple[str, Part]] = [
        ("rfc sections", lambda: _on_a_lane(run_sections.run)),
        ("upstream side", lambda: _on_a_lane(upstream.run)),
        ("negative http/2", run_tests.run),
        ("interop", lambda: _on_a_lane(lambda lane: interop.run(lane, clients, servers))),
        ("connectrpc", lambda: _on_a_lane(lambda lane: suite.run(lane, connect))),
        ("hpack", lambda: _hpack(hpack)),
    ]
    try:
        programs = toolchain.h2spec()
    except toolchain.Missing as error:
        return parts, [NotRun(h2spec.PART, str(error)), H2SPECD]
    return [*parts, (h2spec.PART, lambda: _on_a_lane(lambda lane: h2spec.run(lane, programs)))], [H2SPECD]


def _hpack(tools: toolchain.Hpack) -> list[Result]:
    with codec(tools.program) as engine:
        return [*stories.run(engine, tools.corpus), *round_trips.run(engine)]


def _on_a_lane(part: Callable[[Lane], list[Result]]) -> list[Result]:
    with _lane() as lane:
        return part(lane)


@contextmanager
def _lane() -> Iterator[Lane]:
    """A mesh of its own for a part; its folder goes when it ends well."""
    with tempfile.TemporaryDirectory(prefix="tulle-conformance-") as folder:
        lane = Lane(Path(folder)).start_control_plane()
        try:
            yield lane
        finally:
            lane.close()


if __name__ == "__main__":
    sys.exit(main())
