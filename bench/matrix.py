"""The matrix, written down. Every axis is gone along from one centre (unary, 100 B, 10 connections × 10 streams, the
default policy): the full product would be thousands of cells, of which most would say the same again.

Times: a cell costs its seconds and a warm-up of `session.WARM_UP`, a start half a second to four.
"""

from dataclasses import replace

from bench.cells import Block, Cell, Shape
from bench.systems.base import PLACES, Place

RATE = 2000  # calls/s of the calm shape
CENTRE = Shape(connections=10, streams=10, payload=100)
CALM = replace(CENTRE, rate=RATE)
LARGE = replace(CENTRE, payload=16 * 1024)
MANY = replace(CENTRE, connections=100, streams=32)
HANDSHAKES = Shape(connections=10, streams=1, payload=100, kind="handshake")
ONE = Shape(connections=1, streams=100, payload=100)  # of each core
COLD = Shape(connections=20, streams=1, payload=100)

ALL = ("direct", "tulle", "envoy", "haproxy", "nginx", "l4")
MULTIPLEXING = tuple(name for name in ALL if name != "nginx")
PEERS = ALL[1:]
# Ours agrees on X25519MLKEM768; so does L4, and Envoy where it is told to: the others on X25519.
KEY_EXCHANGES = ("tulle", "envoy", "envoy-mlkem", "haproxy", "nginx", "l4")
POLICIES = ("tulle-off", "tulle-split", "tulle", "tulle-all")
CROSSED = ("tulle-2-engines", "tulle-2-workers")
APART = ("tulle-1-core", "tulle-apart", "tulle-together")


def quick(centre: Shape, names: tuple[str, ...], rounds: int, seconds: float) -> tuple[Block, ...]:
    """Both places, at a calm rate and at saturation: what `make bench` measures."""
    cells = (Cell(replace(centre, rate=RATE)), Cell(centre))  # calm first: no one still digests the other's telemetry
    return tuple(Block("centre", place, cells, names, rounds, seconds) for place in PLACES)


def full() -> tuple[Block, ...]:
    """What `make bench-full` measures."""
    axes = [_axes(place) for place in PLACES]
    handshakes = Block("handshakes", "mtls_ingress", (Cell(HANDSHAKES),), KEY_EXCHANGES, rounds=5, seconds=2.5)
    workers = Block("workers", "plain", (Cell(ONE, "pressure"),), APART, rounds=9, seconds=2.0)
    crossed = Block("crossed", "plain", (Cell(CENTRE, "pressure"),), CROSSED, rounds=9, seconds=2.0)
    fairness = Block("fairness", "plain", (Cell(COLD, "fairness"),), ("tulle", "envoy", "haproxy"), 3, 2.0)
    return (*(block for blocks in axes for block in blocks), handshakes, workers, crossed, fairness)


def _axes(place: Place) -> tuple[Block, ...]:
    payloads = tuple(replace(CENTRE, payload=payload) for payload in (1024, 100 * 1024))
    calm = tuple(replace(CALM, payload=payload) for payload in (1024, 16 * 1024))
    kinds = tuple(
        replace(CENTRE, kind=kind, payload=payload)
        for kind in ("server-stream", "ping-pong", "flood")
        for payload in (100, 16 * 1024)
    )
    # nginx opens a connection a call in flight: beyond a few thousand it has no ports left.
    some, most = _connections((1, 10, 100)), _connections((1000,))
    kernel = (Cell(CENTRE, "kernel"), Cell(CALM, "kernel"))
    return (
        # A p99 of 6,000 calls is the machine's as much as the proxy's: it takes this many pairs to tell them apart.
        Block("centre", place, (Cell(CALM), Cell(CENTRE)), ALL, rounds=13, seconds=3.0),
        Block("wide", place, (Cell(LARGE), Cell(MANY)), ALL, rounds=5, seconds=2.0),
        Block("payload", place, _cells((*payloads, *calm)), ALL, rounds=2, seconds=1.5),
        Block("kind", place, _cells(kinds), ALL, rounds=3, seconds=1.2),
        Block("connections", place, _cells(some), ALL, rounds=2, seconds=1.2),
        Block("thousand", place, _cells(most), MULTIPLEXING, rounds=2, seconds=1.5),
        Block("policy", place, (Cell(CALM), Cell(CENTRE)), POLICIES, rounds=9, seconds=1.5),
        Block("kernel", place, kernel, PEERS, rounds=1, seconds=2.0),
    )


def _connections(counts: tuple[int, ...]) -> tuple[Shape, ...]:
    shapes = [replace(CENTRE, connections=count, streams=streams) for count in counts for streams in (1, 10, 32)]
    return tuple(shape for shape in shapes if shape not in (CENTRE, MANY))


def _cells(shapes: tuple[Shape, ...]) -> tuple[Cell, ...]:
    return tuple(Cell(shape) for shape in shapes)
