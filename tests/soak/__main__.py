"""`python -m tests.soak --minutes 20`: load of every kind with faults; a table, a file, exit code 1 on any failure."""

import argparse
import sys
import tempfile
from pathlib import Path

from bench.processes import ProcessFailed
from tests.soak import report, volume
from tests.soak.soak import Plan, run
from tests.support.process import ROOT

RESULTS = ROOT / ".cache" / "soak" / "soak.json"
WARM_UP = 60.0  # seconds of load before anything is measured
PAUSE = 12.0  # seconds without a fault between two


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--minutes", type=float, default=20, help="how long (default: 20)")
    parser.add_argument("--rate", type=int, default=1_500, help="calls a second beside those of every kind (0: none)")
    parser.add_argument("--seed", type=int, default=1, help="what the calls of every kind are drawn from")
    given = parser.parse_args()
    try:
        volume.prepare()
    except ProcessFailed as error:
        print(f"soak: {error}", file=sys.stderr)
        return 2
    plan = Plan(given.minutes * 60, WARM_UP, PAUSE, rate=given.rate, seed=given.seed)
    with tempfile.TemporaryDirectory(prefix="tulle-soak-") as folder:
        outcome = run(Path(folder), plan, lambda line: print(f"soak: {line}", file=sys.stderr, flush=True))
    report.write(outcome, RESULTS)
    print(report.table(outcome))
    return int(bool(outcome.failures()))


if __name__ == "__main__":
    sys.exit(main())
