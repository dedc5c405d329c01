"""`python -m bench.counted [POLICY]`: instructions a call of the engine as it is installed, sockets and all.

`make bench-check` counts the worker in memory, as cargo builds it; here callgrind counts the process that carries
calls, so that two builds can be compared (`make setup`, `make profiled`). A figure is the slope between a short and a
long run: what a start costs is in both. One connection with one call in flight: a turn of the loop a message, as at a
low rate.
"""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from bench import load
from bench.cells import Shape
from bench.load import Entry
from bench.processes import Pinned, ProcessFailed, stop_all
from bench.steps import callgrind
from bench.steps.binary import CannotCount
from bench.systems.policy import Policy

ONE_BY_ONE = Shape(connections=1, streams=1, payload=100)
PROXY, LOAD = 0, 1  # cores
SHORT, LONG = 1.0, 5.0  # seconds of load


@dataclass(frozen=True)
class Counted:
    """One run of a process, its start and its end included."""

    calls: int
    instructions: int


def main() -> int:
    policy = sys.argv[1] if len(sys.argv) > 1 else "off"
    if policy not in get_args(Policy):
        print(f"bench.counted: {policy} is no policy; there are {', '.join(get_args(Policy))}", file=sys.stderr)
        return 2
    try:
        load.build()
        few, many = (run(policy, seconds) for seconds in (SHORT, LONG))
    except (ProcessFailed, CannotCount) as failure:
        print(f"bench.counted: {failure}", file=sys.stderr)
        return 1
    calls = f"({few.calls:,} and {many.calls:,} calls)"
    print(f"one hop, policy {policy}: {slope(few, many):,.0f} instructions a call {calls}")
    return 0


def slope(few: Counted, many: Counted) -> float:
    """Instructions a call beyond the first ones. Raises CannotCount where the second run carried no more calls."""
    if many.calls <= few.calls:
        raise CannotCount(f"{LONG:g} s of load gave no more calls than {SHORT:g}: the machine is too busy to count on")
    return (many.instructions - few.instructions) / (many.calls - few.calls)


def run(policy: str, seconds: float) -> Counted:
    """The hop under callgrind, `seconds` of load. Raises ProcessFailed, CannotCount."""
    with tempfile.TemporaryDirectory(prefix="tulle-counted-") as name:
        folder = Path(name)
        profile = folder / "profile"
        backend, port = load.start_backend(LOAD, folder)
        try:
            hop = Pinned.start(
                "hop", _command(profile, port, policy), PROXY, folder, {"GLIBC_TUNABLES": callgrind.GENERIC}
            )
            entry = Entry(int(hop.ready()["address"].rpartition(":")[2]), LOAD)
            calls = load.run(entry, ONE_BY_ONE, seconds).ok
            hop.stop()
            if not profile.exists():
                raise CannotCount(f"callgrind wrote nothing when the hop was stopped: {hop.last_lines()}")
            return Counted(calls, callgrind.total(profile.read_text()))
        finally:
            backend.stop()
            stop_all(folder)


def _command(profile: Path, port: int, policy: str) -> list[str]:
    counting = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}"]
    hop = [sys.executable, "-m", "bench.systems.tulle_hop", "--backend", str(port), "--policy", policy]
    return [*counting, *hop]


if __name__ == "__main__":
    sys.exit(main())
