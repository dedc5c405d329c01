"""A server's resets, GOAWAYs, PINGs and limits: a caller behind two sidecars sees what it would see without them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import grpc
import pytest

from tests.conformance import frames as f
from tests.conformance.lane import Lane
from tests.conformance.negative import PINGS, SCRIPTS
from tests.conformance.scripted_server import ScriptedServer
from tests.support.echo_client import Seen, call
from tests.support.mesh import Member
from tests.support.waiting import until

BODY = f.message(b"x" * 1_000)[5:]
CALLS = 10


@dataclass(frozen=True)
class Both:
    """The same server straight and through the pair."""

    server: ScriptedServer
    direct: grpc.Channel
    meshed: grpc.Channel

    def seen(self, case: str) -> tuple[Seen, Seen]:
        first, second = (call(via, "Unary", [BODY], [("x-case", case)]) for via in (self.direct, self.meshed))
        return first, second


@pytest.fixture(scope="module")
def caller(lane: Lane) -> Member:
    return lane.caller_of("negative", "narrow")


@pytest.fixture(scope="module")
def both(lane: Lane, caller: Member) -> Iterator[Both]:
    yield from _both(lane, caller, "negative", ScriptedServer(SCRIPTS))


@pytest.fixture(scope="module")
def narrow(lane: Lane, caller: Member) -> Iterator[Both]:
    """Its server takes one stream a connection."""
    yield from _both(lane, caller, "narrow", ScriptedServer(SCRIPTS, (f.MAX_CONCURRENT_STREAMS, 1)))


def _both(lane: Lane, caller: Member, name: str, server: ScriptedServer) -> Iterator[Both]:
    try:
        member = lane.beside(name, server.port)
        lane.reaches(caller, name)
        with member.direct() as direct, caller.channel(name) as meshed:
            yield Both(server, direct, meshed)
    finally:
        server.close()


@pytest.mark.real
@pytest.mark.parametrize("case", ["rst_after_header", "rst_during_data", "rst_after_data"])
def test_a_reset_call_fails_with_the_status_it_has_without_the_mesh(both: Both, case: str) -> None:
    without, through = both.seen(case)
    assert without.code is not grpc.StatusCode.OK
    assert through.code is without.code
    assert through.messages in ((), (BODY,)), "whole or not at all; a client may drop it on seeing the reset"
    assert both.seen("ping")[1].code is grpc.StatusCode.OK, "the next call is served"


@pytest.mark.real
def test_after_a_goaway_the_next_call_goes_over_a_new_connection(both: Both) -> None:
    for _ in range(2):
        without, through = both.seen("goaway")
        assert (through.code, through.messages) == (without.code, without.messages)
        assert through.code is grpc.StatusCode.OK


@pytest.mark.real
def test_pings_within_a_call_are_answered_and_change_nothing(both: Both) -> None:
    without, through = both.seen("ping")
    assert through.code is without.code is grpc.StatusCode.OK
    assert through.messages == without.messages == (BODY,)
    acknowledged = [sum(bool(ping.flags & f.ACK) for ping in one.told(f.PING)) for one in both.server.conversations]
    assert sum(acknowledged) >= 2 * PINGS


@pytest.mark.real
def test_a_limit_of_one_stream_is_kept_and_every_call_is_answered(narrow: Both) -> None:
    def one(_: int) -> Seen:
        return call(narrow.meshed, "Unary", [BODY], [("x-case", "max_streams")])

    with ThreadPoolExecutor(CALLS) as pool:
        answers = list(pool.map(one, range(CALLS)))
    assert [seen.code for seen in answers] == [grpc.StatusCode.OK] * CALLS
    assert {seen.messages for seen in answers} == {(BODY,)}
    assert narrow.server.of_case("max_streams")
    assert [conversation.overruns for conversation in narrow.server.conversations if conversation.overruns] == []


@pytest.mark.real
def test_a_connection_that_said_goaway_is_closed(both: Both) -> None:
    both.seen("goaway")
    said = both.server.of_case("goaway")
    assert len(said) >= 2
    until(lambda: all(one.ended.is_set() for one in said), "the end of connections that said GOAWAY")
