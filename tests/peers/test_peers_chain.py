"""A chain of services in which every hop retries."""

import grpc
import pytest

from tests.peers.proto import peers_pb2 as pb
from tests.peers.proto.peers_pb2_grpc import PeersStub
from tests.peers.room import Room, Served, channel
from tests.peers.stacks import GO
from tests.peers.traffic import TWICE_IDEMPOTENT, traffic

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE.value[0]
ATTEMPTS = 2


@pytest.fixture(scope="module")
def chain(room: Room) -> list[Served]:
    return [room.served(GO), room.served(GO, "second"), room.served(GO, "third")]


@pytest.mark.real
def test_three_hops_that_all_retry_execute_the_last_no_oftener_than_one_would(chain: list[Served], room: Room) -> None:
    first, second, third = chain
    hops = [
        pb.Hop(target=str(first.callee.addresses["outbound"]), authority=second.authority),
        pb.Hop(target=str(second.callee.addresses["outbound"]), authority=third.authority),
    ]
    ask = pb.Ask(key="chain", fail_code=UNAVAILABLE, fail_text="the last hop's own", hops=hops)
    with (
        traffic(room, first, TWICE_IDEMPOTENT),
        traffic(room, second, TWICE_IDEMPOTENT),
        traffic(room, third, TWICE_IDEMPOTENT),
        channel(*first.meshed) as via,
        pytest.raises(grpc.RpcError) as failed,
    ):
        PeersStub(via).Unary(ask, timeout=10)
    executed = [len(link.executions("chain")) for link in chain]
    assert 1 <= executed[2] <= ATTEMPTS, executed
    assert failed.value.details() == "the last hop's own"
