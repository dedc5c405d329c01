"""A server's maximum connection age costs no call."""

import pytest

from tests.peers.ages import outlived
from tests.peers.room import Room
from tests.peers.stacks import GO, GRPCIO, Stack


@pytest.mark.real
@pytest.mark.parametrize("stack", (GO, GRPCIO), ids=lambda stack: stack.name)
def test_a_maximum_age_of_1_s_fails_no_call_and_repeats_none(stack: Stack, room: Room) -> None:
    outlived(room, stack, 6)
