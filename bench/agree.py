"""`python -m bench.agree`: may our generator's figures be believed? Beside h2load, and beside a server that stalls.

Both generators send the same calls through two Envoys with mTLS between them. These and the backend share core 0 and
take many times what either generator takes for a call, on core 1: so calls a second are the target's, not the
generator's, and must agree. (Straight at our backend each would measure itself: how many calls it writes at once
decides what one costs.) With one call in flight it is a matter of latency, with 10 × 10 of capacity. At a fixed rate
both send as many; there latencies are shown. h2load measures them from sending, ours from the intended start.

The stall: a backend that sleeps 100 ms once must show in p99.9 of calls from their intended start.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median

from bench import certificates, h2load, load, report
from bench.cells import Shape
from bench.h2load import Seen
from bench.load import Entry
from bench.matrix import CALM, CENTRE
from bench.processes import ProcessFailed, stop_all
from bench.stopping import stops_in_order
from bench.systems.base import Setting
from bench.systems.envoy import Envoy
from bench.tables import Table, number

TARGET_CORE, GENERATOR_CORE = 0, 1
WITHIN = 0.05
ALONE = replace(CENTRE, connections=1, streams=1)
SHAPES = (ALONE, CENTRE, CALM)
STALL_AT, STALL_MS, STALL_SECONDS = 1.0, 100, 3.0
STALL_SEEN_US = 90_000  # of 100,000: calls intended after its begin wait less
WARM_UP = 1  # seconds; h2load knows whole ones only
Generator = Callable[[Entry, Shape, int], Seen]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.agree", description="our load generator beside h2load")
    parser.add_argument("--pairs", type=int, default=5, help="runs of each (default 5)")
    parser.add_argument("--seconds", type=int, default=2, help="a run, whole ones (default 2)")
    given = parser.parse_args()
    for flag in ("pairs", "seconds"):
        if getattr(given, flag) < 1:
            parser.error(f"--{flag}: {getattr(given, flag)} is not 1 or more")
    stops_in_order()
    try:
        load.build()
        rows, agrees = _beside(given.pairs, given.seconds)
        stall, shows = _stall()
    except ProcessFailed as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1
    heads = ("shape", "ours calls/s", "h2load calls/s", "ratio", "range", "ours p50 µs", "h2load p50 µs", "")
    report.show([Table("Beside h2load", heads, rows), stall])
    return int(not (agrees and shows))


def ours(entry: Entry, shape: Shape, seconds: float) -> Seen:
    """Our generator's run in h2load's words. Raises ProcessFailed, also for a failed call."""
    result = load.run(entry, shape, seconds)
    if result.failed:
        raise ProcessFailed(f"{result.failed} calls failed: {result.kinds}")
    return Seen(result.ok / result.seconds, result.p50_us, result.p99_us, result.p999_us)


def verdict(pairs: list[tuple[Seen, Seen]]) -> tuple[str, bool]:
    """The median of the pairs' ratios of calls/s, in words, and whether it is within bounds."""
    middle = median(own.calls_per_s / other.calls_per_s for own, other in pairs)
    agrees = abs(middle - 1) <= WITHIN
    return ("agree" if agrees else f"apart by more than {WITHIN:.0%}"), agrees


def _beside(count: int, seconds: int) -> tuple[tuple[tuple[str, ...], ...], bool]:
    rows, agree = [], True
    with _envoys() as entry:
        for shape in SHAPES:
            pairs = [_pair(entry, shape, seconds, turn) for turn in range(count)]
            words, agrees = verdict(pairs)
            agree = agree and agrees
            rows.append(_row(shape, pairs, words))
    return tuple(rows), agree


def _pair(entry: Entry, shape: Shape, seconds: int, turn: int) -> tuple[Seen, Seen]:
    """Both, in alternating order; the first of each pair is run once before, unseen."""
    order: list[Generator] = [ours, h2load.run] if turn % 2 == 0 else [h2load.run, ours]
    order[0](entry, shape, WARM_UP)
    seen = {generator: generator(entry, shape, seconds) for generator in order}
    return seen[ours], seen[h2load.run]


def _row(shape: Shape, pairs: list[tuple[Seen, Seen]], words: str) -> tuple[str, ...]:
    ratios = sorted(own.calls_per_s / other.calls_per_s for own, other in pairs)
    own, other = [one for one, _ in pairs], [two for _, two in pairs]
    rates = [number(median(seen.calls_per_s for seen in side)) for side in (own, other)]
    p50s = [number(median(seen.p50_us for seen in side)) for side in (own, other)]
    between = f"{median(ratios):.3f}", f"{ratios[0]:.3f} to {ratios[-1]:.3f}"
    return (shape.name, *rates, *between, *p50s, words)


def _stall() -> tuple[Table, bool]:
    with tempfile.TemporaryDirectory(prefix="tulle-bench-") as folder:
        backend, port = load.start_backend(TARGET_CORE, Path(folder), (STALL_AT, STALL_MS))
        try:
            seen = ours(Entry(port, GENERATOR_CORE), CALM, STALL_SECONDS)
        finally:
            backend.stop()
    shows = seen.p999_us >= STALL_SEEN_US
    row = (number(seen.p50_us), number(seen.p99_us), number(seen.p999_us), "shows" if shows else "hidden")
    return Table(f"A stall of {STALL_MS} ms, {CALM.name}", ("p50 µs", "p99 µs", "p99.9 µs", ""), (row,)), shows


@contextmanager
def _envoys() -> Iterator[Entry]:
    with tempfile.TemporaryDirectory(prefix="tulle-bench-") as name:
        folder = Path(name)
        backend, port = load.start_backend(TARGET_CORE, folder)
        try:
            running = Envoy().start(Setting("mtls_pair", port, folder, certificates.make(folder), TARGET_CORE))
            yield Entry(running.port, GENERATOR_CORE)
            running.stop()
        finally:
            backend.stop()
            stop_all(folder)


if __name__ == "__main__":
    sys.exit(main())
