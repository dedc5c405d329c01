"""What ended a call at the application's side is told in its own words."""

import socket
from collections.abc import Iterator

import grpc
import pytest

from tests.conformance import frames as f
from tests.conformance.scripted_server import Conversation, ScriptedServer
from tests.peers.proto import peers_pb2 as pb
from tests.peers.proto.peers_pb2_grpc import PeersStub
from tests.peers.room import Room, channel
from tests.peers.stacks import GO, JAVA, Stack
from tests.support.mesh import NAMESPACE

CALM = "calm"  # a service that ends its connection so
AGE = ("--max-connection-age-ms=1000", "--max-connection-age-grace-ms=500")


@pytest.mark.real
@pytest.mark.parametrize("stack", (GO, JAVA), ids=lambda stack: stack.name)
def test_a_call_that_a_servers_age_limit_cut_names_that_limit(stack: Stack, room: Room) -> None:
    """The GOAWAY says it: NO_ERROR and `max_age`."""
    served = room.served(stack, "short-lived", AGE)
    with channel(*served.meshed) as via, pytest.raises(grpc.RpcError) as failed:
        PeersStub(via).Unary(pb.Ask(sleep_ms=5_000), timeout=10)
    assert failed.value.code() is grpc.StatusCode.UNAVAILABLE
    _names(failed.value.details(), "NO_ERROR", "max_age")


@pytest.fixture
def calm(room: Room) -> Iterator[tuple[str, str]]:
    """The way to a server that answers every call with GOAWAY(ENHANCE_YOUR_CALM) and the end of the connection."""

    def leave(conversation: Conversation, stream: int) -> None:
        conversation.send(f.goaway(stream, f.ENHANCE_YOUR_CALM, b"too_many_pings"))
        conversation.peer.sock.shutdown(socket.SHUT_RDWR)

    server = ScriptedServer({CALM: leave})
    try:
        room.lane.beside(CALM, server.port)
        yield str(room.caller.addresses["outbound"]), f"{CALM}.{NAMESPACE}"
    finally:
        server.close()


@pytest.mark.real
def test_a_call_that_a_goaway_cut_names_its_code_and_its_text(calm: tuple[str, str]) -> None:
    with channel(*calm) as via, pytest.raises(grpc.RpcError) as failed:
        PeersStub(via).Unary(pb.Ask(), timeout=10, metadata=(("x-case", CALM),), wait_for_ready=True)
    assert failed.value.code() is grpc.StatusCode.UNAVAILABLE
    _names(failed.value.details(), "ENHANCE_YOUR_CALM", "too_many_pings")


def _names(text: str | None, *words: str) -> None:
    assert text is not None
    assert not [word for word in words if word not in text], text
