"""`python -m bench.full`: the whole matrix, about 55 minutes on two cores; taken up again where it was ended.

Every measurement is a line of bench/results/full.jsonl, and counts for the same commit, programs and machine. At the
end: bench/results/full.json, plots in docs/images, the results in docs/performance.md. A part of the matrix (--blocks,
--rounds, --seconds) prints its tables and leaves those files as they are. Exit code 1: a measurement of ours has no
figure.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace

from bench import load, matrix, measure, page, plots, report, sections, tables, targets
from bench.cells import Block
from bench.figures import Results
from bench.machine import Origin
from bench.processes import ProcessFailed
from bench.run import RESULTS
from bench.stopping import stops_in_order
from bench.store import Store, ours_failed

FULL = RESULTS / "full.json"


def main() -> int:
    given = _arguments()
    blocks = _chosen(given)
    stops_in_order()
    store = Store(RESULTS / "full.jsonl")
    if given.anew:
        store.forget()
    try:
        load.build()
    except ProcessFailed as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1
    records = measure.run(blocks, store, Origin.here())
    results = Results(records)
    judged = [verdict for verdict in targets.judge(results) if verdict.found or not _is_part(given)]
    report.show([*sections.all_of(results), tables.verdicts(judged)])
    report.show([tables.cold_bursts(records), tables.without_figures(records)])
    if not _is_part(given):
        report.write(records, FULL)
        plots.draw(results)
        page.write(records)
    return int(ours_failed(records))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.full", description="measure the whole matrix")
    parser.add_argument("--anew", action="store_true", help="forget what was measured before")
    parser.add_argument("--blocks", help="only these, by comma: " + ", ".join(dict.fromkeys(_names(matrix.full()))))
    parser.add_argument("--rounds", type=int, help="at most this many rounds")
    parser.add_argument("--seconds", type=float, help="instead of the matrix's own seconds a measurement")
    given = parser.parse_args()
    if given.blocks and (unknown := set(given.blocks.split(",")) - set(_names(matrix.full()))):
        parser.error(f"--blocks: unknown {', '.join(sorted(unknown))}")
    for flag in ("rounds", "seconds"):
        if (value := getattr(given, flag)) is not None and value <= 0:
            parser.error(f"--{flag}: {value} is not over 0")
    return given


def _chosen(given: argparse.Namespace) -> list[Block]:
    wanted = given.blocks.split(",") if given.blocks else _names(matrix.full())
    return [
        replace(
            block,
            rounds=min(block.rounds, given.rounds or block.rounds),
            seconds=given.seconds or block.seconds,
        )
        for block in matrix.full()
        if block.name in wanted
    ]


def _is_part(given: argparse.Namespace) -> bool:
    return bool(given.blocks or given.rounds or given.seconds)


def _names(blocks: Sequence[Block]) -> list[str]:
    return [block.name for block in blocks]


if __name__ == "__main__":
    sys.exit(main())
