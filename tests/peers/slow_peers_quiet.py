"""Calls that say nothing for a long time: no server's own rules may end them because of the mesh."""

import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from tests.peers.proto import peers_pb2 as pb
from tests.peers.proto.peers_pb2_grpc import PeersStub
from tests.peers.room import Room, Served, channel
from tests.peers.stacks import AIO, GO, GRPCIO, JAVA, JS, TONIC, Stack

SILENCE_MS = 90_000  # twice what makes grpc-java, and more than twice what makes the others, count PINGs as too many
DEADLINE = 120.0
STACKS = (GRPCIO, AIO, GO, JAVA, JS, TONIC)


@pytest.fixture(scope="module")
def quiet(room: Room) -> dict[str, tuple[str, str]]:
    """By stack, what a silent stream and a slow unary call came to: all at once, so that all take as long as one."""
    servers = [room.served(stack) for stack in STACKS]
    with ThreadPoolExecutor(2 * len(servers)) as waiting:
        begun = {served.name: (waiting.submit(_stream, served), waiting.submit(_unary, served)) for served in servers}
        return {name: (stream.result(), unary.result()) for name, (stream, unary) in begun.items()}


@pytest.mark.real
@pytest.mark.timeout(300)
@pytest.mark.parametrize("stack", STACKS, ids=lambda stack: stack.name)
def test_a_stream_that_is_silent_for_90_s_ends_well(stack: Stack, quiet: dict[str, tuple[str, str]]) -> None:
    assert quiet[stack.name][0] == "2 answers"


@pytest.mark.real
@pytest.mark.timeout(300)
@pytest.mark.parametrize("stack", STACKS, ids=lambda stack: stack.name)
def test_a_unary_call_that_takes_90_s_ends_well(stack: Stack, quiet: dict[str, tuple[str, str]]) -> None:
    assert quiet[stack.name][1] == "answered"


def _stream(served: Served) -> str:
    begun = time.monotonic()
    with channel(*served.meshed) as via:
        try:
            answers = list(PeersStub(via).Down(pb.Ask(count=2, interval_ms=SILENCE_MS), timeout=DEADLINE))
        except grpc.RpcError as error:
            return _failed(error, begun)
    return f"{len(answers)} answers"


def _unary(served: Served) -> str:
    begun = time.monotonic()
    with channel(*served.meshed) as via:
        try:
            PeersStub(via).Unary(pb.Ask(sleep_ms=SILENCE_MS), timeout=DEADLINE)
        except grpc.RpcError as error:
            return _failed(error, begun)
    return "answered"


def _failed(error: grpc.RpcError, begun: float) -> str:
    return f"{error.code().name} after {time.monotonic() - begun:.1f} s: {error.details()}"
