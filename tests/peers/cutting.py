"""A caller that cancels much, and what it costs: it, its neighbours, and the time until the application knows."""

from tests.abuse.counted import CALM, ENDED
from tests.peers import go_caller
from tests.peers.proto import peers_pb2 as pb
from tests.peers.room import Room, Served
from tests.peers.stacks import Stack
from tests.support.waiting import until

RATE, OTHERS = 400, 100  # calls a second
SOON_NS = 50_000_000
PUNCTUAL = 0.99


def cancelled_honestly(room: Room, stack: Stack, seconds: int) -> None:
    """Every cancel is CANCELLED and soon known to the application, nobody else notices, no connection ends."""
    served = room.served(stack)
    prefix, before = f"cut-{seconds}-", _punished(served)
    came = go_caller.cancels(served.meshed, seconds=seconds, prefix=prefix)
    print(f"{stack.name}: {came.cancelled}, neighbours {came.neighbours}, held {came.held}")
    late, share = _lateness(served, prefix, came.at)
    print(f"{stack.name}: {share:.2%} known within 50 ms, the latest after {late:.0f} ms")
    assert came.cancelled == {"Canceled: context canceled": RATE * seconds}
    assert came.neighbours == {"": OTHERS * seconds}
    assert came.held == {"": 1}
    assert share >= PUNCTUAL
    assert _punished(served) == before, "no GOAWAY"


def _punished(served: Served) -> list[float]:
    """What both sidecars count of ended connections and of calls for calm."""
    return [counter.of(member) for counter in (CALM, ENDED) for member in (served.caller, served.callee)]


def _lateness(served: Served, prefix: str, at: dict[str, int]) -> tuple[float, float]:
    """The latest cancel in milliseconds, and the share of those that came within 50 ms, of the calls that got there."""
    until(lambda: _running(served, prefix) == 0, f"no call of {prefix} runs at the application any more")
    executed = served.executions(prefix)
    assert all(one.ending == pb.CANCELLED for one in executed)
    took = sorted(one.ended_ns - at[one.key] for one in executed)
    assert len(took) > len(at) / 2, "most calls get to the application before they are cancelled"
    return took[-1] / 1e6, sum(time <= SOON_NS for time in took) / len(took)


def _running(served: Served, prefix: str) -> int:
    return sum(one.ending == pb.RUNNING for one in served.executions(prefix))
