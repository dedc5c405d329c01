"""The ways to look at a running system: its CPU bill under load, the kernel's counts, how equally it serves."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from bench import kernel, load, sockets
from bench.cells import Cell, Probe, Shape
from bench.load import Entry, Load
from bench.processes import ProcessFailed
from bench.systems.base import Running

Figures = dict[str, float]
HOT = Shape(connections=1, streams=32, payload=16 * 1024)
PRESSURE_WARM_UP = 0.4  # seconds: the cell's own warm-up goes through one door
HEAD_START = 1.0  # seconds that the hot connection's load goes on beyond the others', half of them before


@dataclass(frozen=True)
class Seen:
    """What a probe looks at: a started system, where load goes in, for how many seconds."""

    running: Running
    entry: Entry
    seconds: float


def look(cell: Cell, seen: Seen) -> Figures:
    """The cell's figures, by name. Raises ProcessFailed."""
    return _PROBES[cell.probe](cell.shape, seen)


def _load(shape: Shape, seen: Seen) -> Figures:
    before = _threads(seen.running)
    result = load.run(seen.entry, shape, seen.seconds)
    spent = [seconds - before.get(thread, 0.0) for thread, seconds in _threads(seen.running).items()]
    if not seen.running.processes:
        return _of_load(result)
    return _of_load(result) | _of_cpu(spent, result, answered(result)) | _of_memory(seen.running)


def _kernel(shape: Shape, seen: Seen) -> Figures:
    with kernel.Counting(seen.running) as counting:
        result = load.run(seen.entry, shape, seen.seconds)
    calls = answered(result)
    return _of_load(result) | {f"{name}_a_call": count / calls for name, count in counting.counts.items()}


def _fairness(shape: Shape, seen: Seen) -> Figures:
    """How far the worst served of `shape`'s connections is from their mean, as a share of it, beside one hot one."""
    alone = load.run(seen.entry, shape, seen.seconds)
    hot = load.start(seen.entry, HOT, seen.seconds + HEAD_START)
    try:
        load.run(seen.entry, replace(shape, rate=None), HEAD_START / 4)  # until the hot one runs
        beside = load.run(seen.entry, shape, seen.seconds)
    finally:
        heat = load.finish(hot, seen.seconds + HEAD_START)
    figures = _of_load(beside)
    return figures | {
        "failed": float(alone.failed + beside.failed + heat.failed),
        "unfairness": unfairness(beside, shape.connections),
        "unfairness_alone": unfairness(alone, shape.connections),
        "p99_us_alone": alone.p99_us,
        "calls_per_s_alone": alone.ok / alone.seconds,
        "hot_calls_per_s": heat.ok / heat.seconds,
    }


def _pressure(shape: Shape, seen: Seen) -> Figures:
    """All doors at once: `shape` from each core, its connections shared out over the doors that the core has."""
    doors = seen.running.doors
    cores = {door.core for door in doors}
    part = replace(shape, connections=shape.connections * len(cores) // len(doors))
    entries = [Entry(door.port, door.core, authority=door.authority) for door in doors]
    _together(entries, part, PRESSURE_WARM_UP)
    before = _threads(seen.running)
    results = _together(entries, part, seen.seconds)
    calls = sum(answered(result) for result in results)
    spent = sum(_threads(seen.running).values()) - sum(before.values())
    return {
        "ok": float(sum(result.ok for result in results)),
        "failed": float(sum(result.failed for result in results)),
        "calls_per_s": sum(result.ok / result.seconds for result in results),
        "cpu_us": spent * 1e6 / calls,
        "cores": spent / seen.seconds,
    }


def _together(entries: list[Entry], shape: Shape, seconds: float) -> list[Load]:
    """One begins when the one before it is connected: whose connections come first decides on which worker they are."""
    processes = []
    for number, entry in enumerate(entries):
        processes.append(load.start(entry, shape, seconds))
        same = sum(other.port == entry.port for other in entries[: number + 1])
        sockets.wait_until_connected(entry.port, same * shape.connections)
    return [load.finish(process, seconds) for process in processes]


_PROBES: dict[Probe, Callable[[Shape, Seen], Figures]] = {
    "load": _load,
    "kernel": _kernel,
    "fairness": _fairness,
    "pressure": _pressure,
}


def answered(result: Load) -> int:
    """Calls that the bill is for: those counted and, of a closed loop, those that came back after its end: with 3,200
    in flight a slow system would else pay for calls that are not counted."""
    return result.ok + result.late


def unfairness(result: Load, connections: int) -> float:
    """The distance of the least or most served connection from the mean, as a share of the mean: 0.0 is equal."""
    mean = result.ok / connections
    if not mean:
        return math.inf
    return max(result.by_connection["most"] / mean - 1, 1 - result.by_connection["least"] / mean)


def _of_load(result: Load) -> Figures:
    """Raises ProcessFailed where there is nothing to divide by."""
    if not result.ok:
        raise ProcessFailed(f"no call was answered within {result.seconds:g} s; {result.failed} failed: {result.kinds}")
    return {
        "ok": float(result.ok),
        "failed": float(result.failed),
        "calls_per_s": result.ok / result.seconds,
        "messages_per_s": result.messages / result.seconds,
        "p50_us": result.p50_us,
        "p90_us": result.p90_us,
        "p99_us": result.p99_us,
        "p999_us": result.p999_us,
        "max_us": result.max_us,
        "load_cpu_us": result.cpu_us_a_call or 0.0,
    }


def _of_cpu(spent: list[float], result: Load, calls: int) -> Figures:
    """`spent`: CPU seconds of each thread, for `calls`; "busiest" is the most that one of them has of the sum."""
    total = sum(spent)
    return {
        "cpu_us": total * 1e6 / calls,
        "cpu_us_a_message": total * 1e6 / calls / max(result.messages / result.ok, 1.0),
        "cores": total / result.seconds,
        "busiest": max(spent, default=0.0) / total if total else 0.0,
    }


def _of_memory(running: Running) -> Figures:
    return {"rss_mib": sum(process.rss_bytes() for process in running.processes) / 2**20}


def _threads(running: Running) -> dict[str, float]:
    return {thread: used for process in running.processes for thread, used in process.thread_seconds().items()}
