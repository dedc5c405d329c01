"""How long bulk takes through the pair, beside how long it takes without it, in one run."""

from dataclasses import dataclass
from statistics import median

from tests.peers import go_caller
from tests.peers.room import Room
from tests.peers.stacks import Stack


@dataclass(frozen=True)
class Took:
    """Medians, in seconds."""

    meshed: float
    direct: float

    @property
    def ratio(self) -> float:
        return self.meshed / self.direct


def moved(room: Room, stack: Stack, direction: str, *, size: int, count: int, rounds: int) -> Took:
    """`count` messages of `size` bytes; half the meshed rounds come before the direct ones and half behind them."""
    served, half = room.served(stack), max(rounds // 2, 1)
    before = go_caller.bulk(served.meshed, direction, size=size, count=count, rounds=half)
    direct = go_caller.bulk(served.direct, direction, size=size, count=count, rounds=rounds)
    behind = go_caller.bulk(served.meshed, direction, size=size, count=count, rounds=half)
    took = Took(median([*before, *behind]), median(direct))
    size_told = f"{size * count / 2**20:.0f} MiB"
    print(f"{stack.name} {direction} {size_told}: {took.meshed:.3f} s, direct {took.direct:.3f} s: {took.ratio:.2f}")
    return took
