"""The tables of the page, one after the other, each with what it means."""

from bench import centre, tables, targets
from bench.cells import Cell
from bench.figures import Results, Spot
from bench.matrix import CALM, CENTRE
from bench.plots import TITLES
from bench.systems.base import PLACES
from bench.tables import Column, Table

OF_AXES = {
    "wide": "Larger messages, more connections",
    "payload": "Sizes of messages",
    "kind": "Streams, 32 messages each way (a server stream: back)",
    "connections": "Connections × streams",
    "thousand": "A thousand connections (nginx would need a connection a call)",
}
WORKERS = (
    "Each core has a worker, a service's backend and a load generator of one connection with 100 calls in flight. "
    "tulle-1-core: one of two cores. tulle-apart: two such sets that share nothing. tulle-together: one engine of two "
    "workers, each core's load for the service on that core."
)
CROSSED = (
    "Each core has a worker, a backend and a load generator of 10 × 10; half of its calls come from and go to the "
    "other core. tulle-2-engines: two engines of one worker. tulle-2-workers: one engine of two workers."
)
POLICY = (
    "tulle-split has no policy and no telemetry, as tulle-off, but a second upstream connection that takes a tenth of "
    "the calls, as the route of tulle-all does that is split in two: beside it stands what all policies cost."
)
FAIRNESS = (
    "20 connections with one call of 100 B in flight each, beside one with 32 calls of 16 KiB: how far the worst "
    "served of the 20 is from their mean, as a share of it; alone: without the hot one."
)
HANDSHAKES = (
    "ECDSA P-256 on both sides for all. Ours and L4 agree on X25519MLKEM768, so does envoy-mlkem, which is told to; "
    "Envoy by default, HAProxy and nginx (with Debian's OpenSSL 3.0) on X25519, which costs less."
)
KERNEL = "Runs of their own: counting costs time. What this machine does not count has no column."


def all_of(results: Results) -> list[Table]:
    """Every table; one without rows has no figure yet."""
    made = [centre.table(place, results) for place in PLACES]
    for block, title in OF_AXES.items():
        for place in PLACES:
            spots = results.spots(block, place)
            made.append(tables.by_cell(f"{title}: CPU µs a call, {TITLES[place]}", results, spots, "cpu_us"))
    made += [_policy(results, place) for place in PLACES]
    made += [_handshakes(results), _workers("Two workers", results, targets.WORKERS_SPOT, WORKERS)]
    made += [_workers("Two workers, calls that cross cores", results, targets.CROSSED_SPOT, CROSSED)]
    return [*made, _fairness(results), *(_kernel(results, place) for place in PLACES)]


def _policy(results: Results, place: str) -> Table:
    full, calm = (Spot("policy", place, Cell(shape).name) for shape in (CENTRE, CALM))
    columns = (
        Column("calls/s", full, "calls_per_s"),
        Column("CPU µs, saturated", full, "cpu_us"),
        Column("CPU µs at 2,000/s", calm, "cpu_us"),
        Column("p99 µs at 2,000/s", calm, "p99_us"),
    )
    note = POLICY if place == "plain" else ""
    return tables.by_system(f"Policy off, default and all on, {TITLES[place]}", results, columns, note)


def _handshakes(results: Results) -> Table:
    spot = targets.HANDSHAKE_SPOT
    columns = (
        Column("handshakes/s", spot, "calls_per_s", compared=True),
        Column("CPU µs", spot, "cpu_us", compared=True),
        Column("p50 µs", spot, "p50_us"),
        Column("p99 µs", spot, "p99_us"),
        Column("cores busy", spot, "cores"),
    )
    return tables.by_system("Handshakes: TLS 1.3, mutual, full, one call on each", results, columns, HANDSHAKES)


def _workers(title: str, results: Results, spot: Spot, note: str) -> Table:
    columns = (
        Column("calls/s", spot, "calls_per_s"),
        Column("CPU µs a call", spot, "cpu_us"),
        Column("cores busy", spot, "cores"),
    )
    return tables.by_system(title, results, columns, note)


def _fairness(results: Results) -> Table:
    spot = targets.FAIRNESS_SPOT
    columns = (
        Column("distance", spot, "unfairness"),
        Column("alone", spot, "unfairness_alone"),
        Column("calls/s", spot, "calls_per_s"),
        Column("alone", spot, "calls_per_s_alone"),
        Column("p99 µs", spot, "p99_us"),
        Column("alone", spot, "p99_us_alone"),
        Column("hot calls/s", spot, "hot_calls_per_s"),
    )
    return tables.by_system("Fairness", results, columns, FAIRNESS)


def _kernel(results: Results, place: str) -> Table:
    full, calm = (Spot("kernel", place, Cell(shape, "kernel").name) for shape in (CENTRE, CALM))
    figures = {"system calls": "syscalls_a_call", "switches": "switches_a_call", "instructions": "instructions_a_call"}
    columns = tuple(
        Column(f"{head} a call, {pace}", spot, figure)
        for head, figure in figures.items()
        for pace, spot in (("saturated", full), ("2,000/s", calm))
        if any(results.rounds(spot, system, figure) for system in results.systems(spot))
    )
    return tables.by_system(f"In the kernel, {TITLES[place]}", results, columns, KERNEL)
