"""One system, started once: every cell of its block that is still wanted goes through it, then it is stopped."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import certificates, load, probes
from bench.cells import Block, Cell, Shape
from bench.load import Entry
from bench.probes import Figures, Seen
from bench.processes import ProcessFailed, stop_all
from bench.systems.base import Running, Setting, System

WARM_UP = 0.4  # seconds before each figure
BURSTS = 4  # of a warm-up, the last of which must pass whole


@dataclass(frozen=True)
class Outcome:
    """What became of a cell: figures, or the reason why there are none."""

    cell: Cell
    figures: Figures
    failure: str = ""


def measure(system: System, block: Block, cells: Iterable[Cell]) -> Iterator[Outcome]:
    """The outcome of each cell, one by one; a system that does not start fails all of them, and raises nothing."""
    waiting = list(cells)
    try:
        with _started(system, block) as (running, entry):
            while waiting:
                yield _outcome(waiting.pop(0), Seen(running, entry, block.seconds))
    except ProcessFailed as failure:
        yield from (Outcome(cell, {}, str(failure)) for cell in waiting)


@contextmanager
def _started(system: System, block: Block) -> Iterator[tuple[Running, Entry]]:
    with tempfile.TemporaryDirectory(prefix="tulle-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        made = certificates.make(folder)
        backend, port = load.start_backend(block.load_core, folder)
        try:
            running = system.start(Setting(block.place, port, folder, made, block.proxy_core))
            certificate = made if block.place == "mtls_ingress" else None
            yield running, Entry(running.port, block.load_core, certificate, running.authority)
            running.stop()
        finally:
            backend.stop()
            stop_all(folder)


def _outcome(cell: Cell, seen: Seen) -> Outcome:
    try:
        cold = _warm_up(cell.shape, seen)
        return Outcome(cell, probes.look(cell, seen) | {"cold_failed": float(cold)})
    except (ProcessFailed, OSError) as failure:
        return Outcome(cell, {}, str(failure) or type(failure).__name__)


def _warm_up(shape: Shape, seen: Seen) -> int:
    """Load until a burst passes whole, and how many calls failed before that: the first ones find few upstream
    connections open and may be more than a queue holds. Raises ProcessFailed after `BURSTS`."""
    cold = 0
    for _ in range(BURSTS):
        burst = load.run(seen.entry, shape, WARM_UP)
        if not burst.failed:
            return cold
        cold += burst.failed
    raise ProcessFailed(f"{burst.failed} of {burst.failed + burst.ok} calls of the last warm-up: {burst.kinds}")
