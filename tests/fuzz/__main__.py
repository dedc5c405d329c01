"""`python -m tests.fuzz --seconds 60`: every target for so long; a table, and exit code 1 where one was broken."""

import argparse
import sys

from tests.fuzz.targets import Fuzzed, NotFuzzed, fuzz, names, prepare

HEADING = f"{'target':<18} {'runs':>10} {'edges':>15} {'features':>17} {'inputs':>7}"


def line(fuzzed: Fuzzed) -> str:
    """Edges and features as they were after the corpus, and at the end."""
    begun, ended = fuzzed.begun, fuzzed.ended
    edges, features = f"{begun.edges}->{ended.edges}", f"{begun.features}->{ended.features}"
    return f"{fuzzed.target:<18} {ended.runs:>10} {edges:>15} {features:>17} {ended.inputs:>7}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seconds", type=int, default=60, help="how long each target runs (default: 60)")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="these alone (default: all)")
    given = parser.parse_args()
    try:
        prepare()
        print(HEADING)
        failures = []
        for target in given.targets or names():
            fuzzed = fuzz(target, given.seconds)
            print(line(fuzzed), flush=True)
            failures += [failure] if (failure := fuzzed.failure()) else []
    except NotFuzzed as error:
        print(f"fuzz: {error}", file=sys.stderr)
        return 2
    print("\n".join(f"FAILED {failure}" for failure in failures) or "passed")
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
