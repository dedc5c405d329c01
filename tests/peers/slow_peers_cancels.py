"""A minute of cancels, and a while of them for the stacks that are not grpc-go."""

import pytest

from tests.peers.cutting import cancelled_honestly
from tests.peers.room import Room
from tests.peers.stacks import GO, GRPCIO, JAVA, Stack


@pytest.mark.real
@pytest.mark.timeout(180)
@pytest.mark.parametrize(("stack", "seconds"), ((GO, 60), (GRPCIO, 20), (JAVA, 20)), ids=("grpc-go", "grpcio", "java"))
def test_400_cancels_a_second_for_long_hurt_nobody(stack: Stack, seconds: int, room: Room) -> None:
    cancelled_honestly(room, stack, seconds)
