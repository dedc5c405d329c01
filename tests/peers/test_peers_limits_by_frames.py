"""Metadata over a limit by peers that heed no announced limit: that call alone is refused, and says why."""

from collections.abc import Iterator
from dataclasses import dataclass

import grpc
import pytest

from tests.conformance import frames as f
from tests.conformance.peer import Peer
from tests.conformance.scripted_server import Script, ScriptedServer
from tests.peers import raw_limits
from tests.peers.lists import LISTS, SIZES, refusal
from tests.peers.proto import peers_pb2 as pb
from tests.peers.proto.peers_pb2_grpc import PeersStub
from tests.peers.room import Room, channel
from tests.peers.stacks import GO
from tests.support.mesh import NAMESPACE
from tests.support.waiting import until

NAME = "by-frames"
BESIDE = 70  # under four fifths of the hundred streams of a connection: beyond that a second one is opened
REFUSED = ("RESOURCE_EXHAUSTED", True)


@dataclass(frozen=True)
class Raw:
    """A scripted server behind a sidecar, and the way to it."""

    server: ScriptedServer
    scripts: dict[str, Script]
    way: tuple[str, str]


@pytest.fixture(scope="module")
def raw(room: Room) -> Iterator[Raw]:
    scripts: dict[str, Script] = {}
    server = ScriptedServer(scripts, (f.MAX_CONCURRENT_STREAMS, 1000))
    try:
        room.lane.beside(NAME, server.port)
        room.lane.reaches_any(room.caller, NAME)
        yield Raw(server, scripts, (str(room.caller.addresses["outbound"]), f"{NAME}.{NAMESPACE}"))
    finally:
        server.close()


@pytest.mark.real
@pytest.mark.parametrize(("count", "size"), LISTS.values(), ids=LISTS)
def test_a_request_over_a_limit_is_refused_alone(count: int, size: int, room: Room) -> None:
    target, authority = room.served(GO).meshed
    beside, odd = range(1, 2 * BESIDE, 2), 2 * BESIDE + 1
    peer = Peer.connect(target).greet()
    peer.send(*(raw_limits.request(stream, authority, pb.Ask(sleep_ms=500)) for stream in beside))
    peer.send(raw_limits.request(odd, authority, pb.Ask(), raw_limits.fields(count, size)))
    came = raw_limits.statuses(peer, (*beside, odd))
    peer.close()
    print(came.get(odd), peer.told())
    assert {came.get(stream) for stream in beside} == {("0", "")}
    status, text = came.get(odd, ("", "never ended"))
    assert refusal(status, text) == (str(grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]), True), text


@pytest.mark.real
@pytest.mark.parametrize(("count", "size"), LISTS.values(), ids=LISTS)
def test_initial_metadata_over_a_limit_ends_that_call_alone(count: int, size: int, raw: Raw, room: Room) -> None:
    code, text = _alone(room, raw, f"head-{count}-{size}", raw_limits.answering(raw_limits.fields(count, size), ()))
    assert refusal(code, text) == REFUSED, (code, text)


@pytest.mark.real
@pytest.mark.parametrize(("count", "size"), LISTS.values(), ids=LISTS)
def test_trailers_over_a_limit_end_that_call_alone_and_tell_its_own_code(
    count: int, size: int, raw: Raw, room: Room
) -> None:
    code, text = _alone(room, raw, f"trailers-{count}-{size}", raw_limits.answering((), raw_limits.fields(count, size)))
    assert refusal(code, text) == REFUSED, (code, text)
    assert "FAILED_PRECONDITION" in text


@pytest.mark.real
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_details_over_a_limit_end_that_call_alone_and_tell_its_own_code(size: int, raw: Raw, room: Room) -> None:
    code, text = _alone(room, raw, f"details-{size}", raw_limits.answering((), raw_limits.details(size)))
    assert refusal(code, text) == REFUSED, (code, text)
    assert "FAILED_PRECONDITION" in text


def _alone(room: Room, raw: Raw, case: str, script: Script) -> tuple[str, str]:
    """What the call came to; those that wait on the application's one connection must not know of it."""
    room.lane.reaches_any(room.caller, NAME)
    held = raw_limits.Held()
    raw.scripts.update({f"held-{case}": held.hold, case: script})
    with channel(*raw.way) as via:
        waiting = (("x-case", f"held-{case}"),)
        begun = [PeersStub(via).Unary.future(pb.Ask(), timeout=20, metadata=waiting) for _ in range(BESIDE)]
        until(lambda: held.count() == BESIDE, "the calls beside it are at the application", 5)
        with pytest.raises(grpc.RpcError) as failed:
            PeersStub(via).Unary(pb.Ask(), timeout=20, metadata=(("x-case", case),))
        held.release()
        beside = [call.code() for call in begun]
    print(failed.value.code(), failed.value.details(), {code: beside.count(code) for code in set(beside)})
    assert beside == [grpc.StatusCode.OK] * BESIDE
    (alone,), (others,) = raw.server.of_case(case), raw.server.of_case(f"held-{case}")
    assert alone is others, "on one connection"
    return failed.value.code().name, failed.value.details() or ""
