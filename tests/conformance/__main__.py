"""`python -m tests.conformance`: every part, a table, a file of results, exit code 1 on any failure."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conformance import interop, interop_stacks, run_sections, run_tests, toolchain, upstream
from tests.conformance.connect import suite
from tests.conformance.lane import Lane
from tests.conformance.result import Result, table, write


def main() -> int:
    try:
        programs = toolchain.go_interop()
        packages = toolchain.js_packages()
        connect = toolchain.connect_programs()
    except toolchain.Missing as error:
        print(f"conformance: {error}", file=sys.stderr)
        return 2
    stacks = interop_stacks.clients(programs, packages), interop_stacks.servers(programs, packages)
    results: list[Result] = []
    with _lane() as lane:
        results += run_sections.run(lane)
    with _lane() as lane:
        results += interop.run(lane, *stacks)
    results += run_tests.run()
    with _lane() as lane:
        results += upstream.run(lane)
    with _lane() as lane:
        results += suite.run(lane, connect)
    write(results, toolchain.CACHE / "conformance.json")
    print(table(results))
    return int(not all(result.passed for result in results))


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
