"""`python -m bench.agree`: may our generator's figures be believed? Beside h2load, and beside a server that stalls.

Both generators send the same calls through two Envoys with mTLS between them. These and the backend share core 0 and
take many times what either generator takes for a call, on core 1: so calls a second are the target's, not the
generator's, and must agree. (Straight at our backend each would measure itself: how many calls it writes at once
decides what one costs.) With 10 × 10 in flight it is a matter of capacity, at a fixed rate both send as many. With one
in flight the target waits while the generator works, and h2load works half as long again for a call as ours: there the
time that the target took is compared, a call's share of the run less the generator's own CPU for it. h2load measures
latencies from sending, ours from the intended start: they are shown.

A run is a second long and the two take turns, so that what this shared machine does meanwhile hits both alike.

The stall: a backend that sleeps 100 ms once must show in p99.9 of calls from their intended start.
"""

import argparse
import resource
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
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


@dataclass(frozen=True)
class Run:
    """What a generator saw, and its own CPU a call in microseconds."""

    seen: Seen
    own_us: float

    def target_rate(self, shape: Shape) -> float:
        """Calls a second that the target is good for, by this run."""
        if shape != ALONE:
            return self.seen.calls_per_s
        return 1e6 / (1e6 / self.seen.calls_per_s - self.own_us)


Pair = tuple[Run, Run]  # ours, h2load's


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.agree", description="our load generator beside h2load")
    parser.add_argument("--pairs", type=int, default=25, help="runs of each a shape (default 25)")
    parser.add_argument("--seconds", type=int, default=1, help="a run, whole ones (default 1)")
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
    sides = ("calls/s", "own CPU µs", "p50 µs")
    heads = ("shape", *(f"{who} {what}" for what in sides for who in ("ours", "h2load")), "target, ratio", "range", "")
    report.show([Table("Beside h2load", heads, rows), stall])
    return int(not (agrees and shows))


def ours(entry: Entry, shape: Shape, seconds: float) -> Seen:
    """Our generator's run in h2load's words. Raises ProcessFailed, also for a failed call."""
    result = load.run(entry, shape, seconds)
    if result.failed:
        raise ProcessFailed(f"{result.failed} calls failed: {result.kinds}")
    return Seen(result.ok / result.seconds, result.p50_us, result.p99_us, result.p999_us)


def verdict(shape: Shape, pairs: list[Pair]) -> tuple[list[float], str, bool]:
    """The pairs' ratios of the target's calls/s in order, what their median says in words, and whether it is within
    bounds."""
    ratios = sorted(own.target_rate(shape) / other.target_rate(shape) for own, other in pairs)
    agrees = abs(median(ratios) - 1) <= WITHIN
    return ratios, ("agree" if agrees else f"apart by more than {WITHIN:.0%}"), agrees


def _beside(count: int, seconds: int) -> tuple[tuple[tuple[str, ...], ...], bool]:
    rows, agree = [], True
    with _envoys() as entry:
        for shape in SHAPES:
            ours(entry, shape, WARM_UP)
            pairs = [_pair(entry, shape, seconds, turn) for turn in range(count)]
            ratios, words, agrees = verdict(shape, pairs)
            agree = agree and agrees
            rows.append(_row(shape, pairs, ratios, words))
    return tuple(rows), agree


def _pair(entry: Entry, shape: Shape, seconds: int, turn: int) -> Pair:
    """Both, in alternating order."""
    order: list[Generator] = [ours, h2load.run] if turn % 2 == 0 else [h2load.run, ours]
    runs = {generator: _run(generator, entry, shape, seconds) for generator in order}
    return runs[ours], runs[h2load.run]


def _run(generator: Generator, entry: Entry, shape: Shape, seconds: int) -> Run:
    before = _children_cpu()
    seen = generator(entry, shape, seconds)
    return Run(seen, (_children_cpu() - before) * 1e6 / (seen.calls_per_s * seconds))


def _children_cpu() -> float:
    """Seconds of the children that have ended: the target's processes have not."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _row(shape: Shape, pairs: list[Pair], ratios: list[float], words: str) -> tuple[str, ...]:
    looks: list[Callable[[Run], float]] = [
        lambda run: run.seen.calls_per_s,
        lambda run: run.own_us,
        lambda run: run.seen.p50_us,
    ]
    figures = [number(median(look(pair[side]) for pair in pairs)) for look in looks for side in (0, 1)]
    return (shape.name, *figures, f"{median(ratios):.3f}", f"{ratios[0]:.3f} to {ratios[-1]:.3f}", words)


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
