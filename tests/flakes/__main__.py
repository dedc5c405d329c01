"""`python -m tests.flakes --times 20 --load 2 --only rust,python`: what fails now and then beside a busy machine."""

import argparse
import shutil
import sys
import time

from tests.flakes.load import load
from tests.flakes.running import Found, NotBuilt, build, kept, repeat
from tests.flakes.suites import ROOT, UnknownSuite, chosen

FOLDER = ROOT / ".cache" / "flakes"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.flakes")
    parser.add_argument("--times", type=int, default=20, help="runs of each suite (default: 20)")
    parser.add_argument("--load", type=int, default=2, help="busy processes beside them (default: 2)")
    parser.add_argument(
        "--minutes", type=float, default=60, help="for all of it; what is not run then is said (default: 60)"
    )
    parser.add_argument("--only", default="rust,python", help="suites: rust, python, or crates as http2,proxy")
    given = parser.parse_args()
    until = time.monotonic() + given.minutes * 60
    try:
        suites = chosen(given.only.split(","))
        for suite in suites:
            build(suite)
            shutil.rmtree(FOLDER / suite.name, ignore_errors=True)
    except (UnknownSuite, NotBuilt) as error:
        print(f"flakes: {error}", file=sys.stderr)
        return 2
    with load(given.load):
        found = {suite.name: repeat(suite, given.times, until, FOLDER / suite.name, told) for suite in suites}
    return report(found, given.times)


def told(line: str) -> None:
    print(line, flush=True)


def report(found: dict[str, Found], times: int) -> int:
    """What failed, how often, and where its first output lies."""
    for suite, result in found.items():
        short = "" if result.runs == times else f" of {times}: the time was over"
        print(f"{suite}: {result.runs} runs{short}, {len(result.failures)} names failed")
        for name, count in result.failures.most_common():
            print(f"  {count:>3} x {name}  ({kept(FOLDER / suite, name).relative_to(ROOT)})")
    return int(any(result.failures or not result.runs for result in found.values()))


if __name__ == "__main__":
    sys.exit(main())
