"""Servers that end their connections by age, under load."""

from tests.peers import go_caller
from tests.peers.room import Room
from tests.peers.stacks import Stack

AGE = ("--max-connection-age-ms=1000",)  # no grace is set: what has begun may end
ANSWER = 4_194_000  # just under 4 MiB with its frame


def outlived(room: Room, stack: Stack, seconds: int) -> None:
    """Eight callers of 4 MiB answers: none fails, and each call was executed once."""
    served = room.served(stack, "aged", AGE)
    key = f"aged-{seconds}"
    came = go_caller.hammer(served.meshed, seconds=seconds, answer_bytes=ANSWER, key=key)
    executed = len(served.executions(key))
    print(f"{stack.name}: {came.calls} calls in {seconds} s came to {came.came}, {executed} executions")
    assert came.came == {"": came.calls}
    assert executed == came.calls
