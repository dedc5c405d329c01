"""`python -m bench.train`: the load under which the engine is profiled before it is built anew (`make profiled`).

What sidecars mostly do weighs most: small unary calls, in plaintext and in the pair. A run of its own only so that no
figure of a benchmark comes from the load that it was built for: what is measured is in bench/matrix.py.
"""

import sys
from collections.abc import Iterable
from dataclasses import replace

from bench import load, session
from bench.cells import Block, Cell
from bench.line_up import BY_NAME
from bench.matrix import CALM, CENTRE, HANDSHAKES, LARGE
from bench.processes import ProcessFailed
from bench.session import Outcome
from bench.stopping import stops_in_order

_CALM, _FULL, _LARGE, _HANDSHAKES = Cell(CALM), Cell(CENTRE), Cell(LARGE), Cell(HANDSHAKES)
_STREAMS = tuple(Cell(replace(CENTRE, kind=kind)) for kind in ("server-stream", "ping-pong", "flood"))
TRAINING = (
    Block("train", "plain", (_CALM, _FULL, _LARGE, *_STREAMS), ("tulle",), 1, 1.5),
    Block("train", "plain", (_CALM, _FULL), ("tulle-all",), 1, 1.5),
    Block("train", "mtls_pair", (_CALM, _FULL, _LARGE, *_STREAMS), ("tulle",), 1, 1.5),
    Block("train", "mtls_ingress", (_HANDSHAKES,), ("tulle",), 1, 1.5),
)


def main() -> int:
    stops_in_order()
    try:
        load.build()
    except ProcessFailed as failure:
        print(f"bench.train: {failure}", file=sys.stderr)
        return 1
    failed = [outcome for outcome in outcomes() if outcome.failure]
    for outcome in failed:
        print(f"bench.train: {outcome.cell.name}: {outcome.failure}", file=sys.stderr)
    return int(bool(failed))


def outcomes() -> Iterable[Outcome]:
    """Carries all of the load, a line of output each."""
    for block in TRAINING:
        for name in block.systems:
            for outcome in session.measure(BY_NAME[name], block, block.cells):
                print(f"{block.place}, {name}: {outcome.cell.name}", flush=True)
                yield outcome


if __name__ == "__main__":
    sys.exit(main())
