"""Cancels are honest: hedging clients, searches as one types and short deadlines cancel hundreds of calls a second."""

import pytest

from tests.peers.cutting import cancelled_honestly
from tests.peers.room import Room
from tests.peers.stacks import GO, GRPCIO, JAVA, Stack


@pytest.mark.real
@pytest.mark.parametrize("stack", (GO, GRPCIO, JAVA), ids=lambda stack: stack.name)
def test_400_cancels_a_second_hurt_nobody_and_are_known_at_once(stack: Stack, room: Room) -> None:
    cancelled_honestly(room, stack, 5)
