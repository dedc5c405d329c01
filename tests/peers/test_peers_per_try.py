"""The time of one attempt is no time limit of a stream."""

import pytest

from tests.peers.proto import peers_pb2 as pb
from tests.peers.proto.peers_pb2_grpc import PeersStub
from tests.peers.room import Room, Served, channel
from tests.peers.stacks import GO, GRPCIO, Stack
from tests.peers.traffic import traffic

PER_TRY = "timeouts: {perTry: 1s}"
COUNT, INTERVAL_MS = 25, 120  # 3 s
DEADLINE = 60.0


@pytest.fixture(params=(GO, GRPCIO), ids=lambda stack: stack.name)
def served(request: pytest.FixtureRequest, room: Room) -> Served:
    stack: Stack = request.param
    return room.served(stack)


@pytest.mark.real
def test_a_stream_three_times_as_long_as_an_attempt_comes_whole(served: Served, room: Room) -> None:
    ask = pb.Ask(key="per-try", count=COUNT, interval_ms=INTERVAL_MS)
    with traffic(room, served, PER_TRY), channel(*served.meshed) as via:
        begun = [PeersStub(via).Down(ask), PeersStub(via).Down(ask, timeout=DEADLINE)]
        assert [len(list(answers)) for answers in begun] == [COUNT, COUNT]
    told = sorted(one.deadline_ms for one in served.executions("per-try"))
    assert told[0] == -1, "without a deadline of its caller none is told"
    assert told[1] > (DEADLINE - 5) * 1000, "and with one only that"
