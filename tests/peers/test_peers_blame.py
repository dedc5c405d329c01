"""What one caller does to its own calls is no verdict on the application for others."""

import time

import grpc
import pytest

from tests.peers.proto import peers_pb2 as pb
from tests.peers.proto.peers_pb2_grpc import PeersStub
from tests.peers.room import Room, Served, channel
from tests.peers.stacks import GO, GRPCIO, JAVA, Stack

BAD = 20
HURRIES = {"1 ms": 0.001, "20 ms": 0.02}


@pytest.fixture(params=(GO, GRPCIO, JAVA), ids=lambda stack: stack.name)
def served(request: pytest.FixtureRequest, room: Room) -> Served:
    stack: Stack = request.param
    return room.served(stack)


@pytest.mark.real
@pytest.mark.parametrize("deadline", HURRIES.values(), ids=HURRIES)
def test_twenty_impatient_calls_cost_a_well_caller_nothing(deadline: float, served: Served) -> None:
    came = _beside(served, pb.Ask(sleep_ms=50), deadline)
    assert came == ["OK"] * len(came)


@pytest.mark.real
def test_twenty_calls_of_a_handler_that_raises_cost_a_well_caller_nothing(served: Served) -> None:
    came = _beside(served, pb.Ask(raises=True), 10)
    assert came == ["OK"] * len(came)


@pytest.mark.real
def test_twenty_calls_that_end_INTERNAL_cost_a_well_caller_nothing(served: Served) -> None:  # noqa: N802 - a code
    came = _beside(served, pb.Ask(fail_code=grpc.StatusCode.INTERNAL.value[0]), 10)
    assert came == ["OK"] * len(came)


def _beside(served: Served, bad: pb.Ask, deadline: float) -> list[str]:
    """What a well caller's calls come to, one amid the bad ones of another connection and five after them."""
    came = []
    with channel(*served.meshed) as one, channel(*served.meshed) as other:
        came.append(_called(PeersStub(other)))
        for number in range(BAD):
            with pytest.raises(grpc.RpcError):
                PeersStub(one).Unary(bad, timeout=deadline)
            if number == BAD - 2:  # nothing that is well comes between before that
                came.append(_called(PeersStub(other)))
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            came.append(_called(PeersStub(other)))
    return came


def _called(stub: PeersStub) -> str:
    try:
        stub.Unary(pb.Ask(blob=b"well"), timeout=10)
    except grpc.RpcError as error:
        return f"{error.code().name}: {error.details()}"
    return "OK"
