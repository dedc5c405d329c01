"""A thousand calls at once to a server that takes few: all succeed, and it never sees one more than it takes."""

import os

import grpc
import pytest

from tests.conformance import frames
from tests.conformance.lane import Lane
from tests.conformance.scripted_server import ScriptedServer
from tests.streams.calling import PATIENCE
from tests.streams.pair import channel
from tests.streams.raw import PATH

FEW = 10
CALLS = 1_000
CASE = "held for a round trip"


@pytest.mark.real
def test_a_crowd_is_let_through_as_the_server_takes_it(streams_lane: Lane) -> None:
    limited = (frames.MAX_CONCURRENT_STREAMS, FEW)
    server = ScriptedServer(
        {CASE: lambda conversation, stream: conversation.answer_after_a_round_trip(stream)}, limited
    )
    try:
        streams_lane.beside("few", server.port)
        caller = streams_lane.caller_of("few")
        streams_lane.reaches_any(caller, "few")
        with channel(str(caller.addresses["outbound"]), "few") as via:
            ask: grpc.UnaryUnaryMultiCallable[bytes, bytes] = via.unary_unary(PATH, None, None)
            begun = [ask.future(str(number).encode(), PATIENCE, (("x-case", CASE),)) for number in range(CALLS)]
            assert [call.result() for call in begun] == [str(number).encode() for number in range(CALLS)]
        conversations = server.of_case(CASE)
        assert sum(conversation.overruns for conversation in conversations) == 0
        pools = len(os.sched_getaffinity(0))  # one a worker, and a worker a core
        assert 1 <= len(conversations) <= 8 * pools, "the most connections that a pool opens to an endpoint"
    finally:
        server.close()
