"""Bulk, measured: at most half as long again as without the mesh."""

import pytest

from tests.peers.room import Room
from tests.peers.speeds import moved
from tests.peers.stacks import SERVERS, TONIC_NAGLE, Stack

MOST = 1.5
SHAPES = {"4 MiB": (4_194_000, 1, 20), "500 MiB": (2**20, 500, 2)}  # bytes of a message, messages, rounds


@pytest.mark.real
@pytest.mark.parametrize("direction", ("down", "up"))
@pytest.mark.parametrize("stack", (*SERVERS, TONIC_NAGLE), ids=lambda stack: stack.name)
@pytest.mark.parametrize(("size", "count", "rounds"), SHAPES.values(), ids=SHAPES)
def test_bulk_is_as_fast_as_without_a_mesh(
    size: int, count: int, rounds: int, stack: Stack, direction: str, room: Room
) -> None:
    assert moved(room, stack, direction, size=size, count=count, rounds=rounds).ratio <= MOST
