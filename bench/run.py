"""`python -m bench.run`: every system in both places, at saturation and at 2,000 calls/s, in one go, on this machine.

Proxies keep to core 0, load and backend to core 1. Each round goes through the systems in the opposite order of the
one before (ABBA), so that drift of a shared machine hits all alike.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from bench import centre, load, matrix, measure, report, tables, targets
from bench.cells import Shape
from bench.figures import Results
from bench.line_up import BY_NAME
from bench.machine import Origin
from bench.processes import ProcessFailed
from bench.stopping import stops_in_order
from bench.store import Store, ours_failed
from bench.systems.base import PLACES

RESULTS = Path(__file__).parent / "results"
LATEST = RESULTS / "latest.json"


@dataclass(frozen=True)
class Plan:
    """What is measured: the shape of saturation, the systems, rounds, seconds a measurement."""

    shape: Shape
    names: tuple[str, ...]
    rounds: int
    seconds: float


def main() -> int:
    plan = _arguments()
    stops_in_order()
    store = Store(RESULTS / "latest.jsonl")
    store.forget()
    try:
        load.build()
    except ProcessFailed as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1
    records = measure.run(matrix.quick(plan.shape, plan.names, plan.rounds, plan.seconds), store, Origin.here())
    report.write(records, LATEST)
    results = Results(records)
    judged = [verdict for verdict in targets.judge(results) if verdict.found]
    made = [centre.table(place, results, plan.shape) for place in PLACES]
    report.show([*made, tables.verdicts(judged), tables.without_figures(records)])
    return int(ours_failed(records))


def _arguments() -> Plan:
    parser = argparse.ArgumentParser(prog="python -m bench.run", description="measure Tulle beside other proxies")
    parser.add_argument("--payload", type=int, default=100, help="message size in bytes (default 100)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds whose median is reported (default 3)")
    parser.add_argument("--seconds", type=float, default=2.0, help="seconds a measurement (default 2)")
    parser.add_argument("--connections", type=int, default=10)
    parser.add_argument("--streams", type=int, default=10, help="calls in flight a connection")
    parser.add_argument("--systems", default=",".join(matrix.ALL), help="names, by comma")
    given = parser.parse_args()
    names = tuple(given.systems.split(","))
    if unknown := set(names) - BY_NAME.keys():
        parser.error(f"--systems: unknown {', '.join(sorted(unknown))}: choose from {', '.join(BY_NAME)}")
    for flag in ("payload", "rounds", "seconds", "connections", "streams"):
        if getattr(given, flag) <= 0:
            parser.error(f"--{flag}: {getattr(given, flag)} is not over 0")
    return Plan(Shape(given.connections, given.streams, given.payload), names, given.rounds, given.seconds)


if __name__ == "__main__":
    sys.exit(main())
