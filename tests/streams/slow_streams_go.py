"""The same sizes by grpc-go: its client and its server, alone and with grpcio on the other side."""

from collections.abc import Iterator

import pytest

from tests.conformance.lane import Lane
from tests.streams import go_peer, pair
from tests.streams.application import numbered, one_byte
from tests.streams.calling import sending
from tests.streams.pair import Pair, channel
from tests.support.mesh import NAMESPACE, Member

GO = "go"
LIMIT = 40  # streams that the server takes on a connection: fewer than a sidecar takes from its application


@pytest.fixture(scope="module")
def go_server(streams_lane: Lane) -> Iterator[Member]:
    """Behind a sidecar; the port is `application_port`."""
    child, port = go_peer.serve(streams_lane.folder, LIMIT)
    try:
        yield streams_lane.beside(GO, port)
    finally:
        child.kill()


@pytest.fixture(scope="module")
def go_caller(streams_lane: Lane, go_server: Member) -> Member:
    caller = streams_lane.caller_of(GO)
    streams_lane.reaches_any(caller, GO)
    return caller


@pytest.mark.real
@pytest.mark.timeout(300)
def test_grpc_go_calls_grpc_go_through_the_pair(go_server: Member, go_caller: Member) -> None:
    direct = go_peer.call(f"127.0.0.1:{go_server.application_port}", "direct")
    meshed = go_peer.call(go_caller.addresses["outbound"], f"{GO}.{NAMESPACE}")
    assert {name: wrong for name, wrong in meshed.items() if wrong} == {}
    assert meshed == direct


@pytest.mark.real
@pytest.mark.timeout(300)
def test_grpc_go_calls_grpcio_through_the_pair(streams: Pair) -> None:
    came = go_peer.call(str(streams.caller.addresses["outbound"]), f"{pair.NAME}.{NAMESPACE}")
    assert {name: wrong for name, wrong in came.items() if wrong} == {}


@pytest.mark.real
def test_grpcio_calls_grpc_go_through_the_pair(go_caller: Member) -> None:
    with channel(str(go_caller.addresses["outbound"]), GO) as via:
        for size in (0, 1, 16 << 10, 4 << 20, 100_000_000):
            message = numbered(1, size)
            assert list(sending(via, "Bidi", [message])) == [message]
        messages = [one_byte(number) for number in range(10_000)]
        assert list(sending(via, "Bidi", messages)) == messages
