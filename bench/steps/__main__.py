"""`python -m bench.steps`: a table of instructions a call beside the baseline; exit code 1 where one is 3 % worse."""

import argparse
import sys

from bench.steps import baseline, binary, callgrind, comparison, functions
from bench.steps.binary import CannotCount


def main(arguments: list[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    try:
        return _run(given)
    except CannotCount as error:
        print(f"bench.steps: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.steps")
    parser.add_argument("--scenario", action="append", metavar="NAME", help="only this one; may be given again")
    parser.add_argument("--functions", action="store_true", help="where the instructions go, instead of the comparison")
    parser.add_argument("--write", action="store_true", help=f"write {baseline.FILE.name} anew, with all scenarios")
    return parser


def _run(given: argparse.Namespace) -> int:
    if given.write and (given.scenario or given.functions):
        raise CannotCount("--write counts every scenario: leave --scenario and --functions out")
    binary.build()
    names = _wanted(given.scenario, list(binary.scenarios()))
    if given.functions:
        print("\n\n".join(functions.table(name) for name in names))
        return 0
    if given.write:
        baseline.write(callgrind.count_all(names))
        print(f"wrote {baseline.FILE}")
        return 0
    return _check(names, whole=given.scenario is None)


def _wanted(asked: list[str] | None, known: list[str]) -> list[str]:
    for name in asked or []:
        if name not in known:
            raise CannotCount(f"--scenario {name}: there is no such scenario; there are {', '.join(known)}")
    return asked or known


def _check(names: list[str], *, whole: bool) -> int:
    held = baseline.read()
    before = {name: figure for name, figure in held.instructions.items() if whole or name in names}
    rows = comparison.compared(before, callgrind.count_all(names))
    differences = held.made.differences(baseline.Made.here())
    failed = comparison.failures(rows, differences)
    print(comparison.table(rows))
    for line in [*(f"note: {line}" for line in differences), *comparison.hints(rows), *(f"FAILED {f}" for f in failed)]:
        print(line)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
