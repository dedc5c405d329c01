"""A minute of a maximum connection age of a second, and a while of it for the stacks that are not grpc-go."""

import pytest

from tests.peers.ages import outlived
from tests.peers.room import Room
from tests.peers.stacks import GO, GRPCIO, JAVA, JS, TONIC, Stack


@pytest.mark.real
@pytest.mark.timeout(180)
def test_a_maximum_age_of_1_s_fails_no_call_in_a_minute(room: Room) -> None:
    outlived(room, GO, 60)


@pytest.mark.real
@pytest.mark.parametrize("stack", (GRPCIO, JAVA, JS, TONIC), ids=lambda stack: stack.name)
def test_a_maximum_age_of_1_s_fails_no_call_in_15_s(stack: Stack, room: Room) -> None:
    outlived(room, stack, 15)
