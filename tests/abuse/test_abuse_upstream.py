"""A bad server loses its connection or its call, and nobody else's."""

from collections.abc import Iterator
from dataclasses import dataclass

import grpc
import pytest

from tests.abuse import bad_servers
from tests.abuse.bad_servers import BadServer, by_reference, refused_with_an_entry
from tests.abuse.counted import CALM
from tests.abuse.victim import Victim
from tests.conformance import frames as f
from tests.conformance.lane import Lane
from tests.conformance.scripted_server import Conversation, ScriptedServer
from tests.support.echo_client import Seen, call
from tests.support.mesh import Member
from tests.support.waiting import until

SERVERS = (*bad_servers.flooding(), *bad_servers.over_header_limit())
ENTERING, REFERRING = "an entry in a refused answer", "a reference to it"
RESETS, GOAWAYS = "a reset for every call", "a GOAWAY for every call"


@dataclass(frozen=True)
class Field:
    """A bad server and a good one, each behind a sidecar of its own, and one caller of both."""

    server: ScriptedServer
    bad: Member
    to_bad: grpc.Channel
    to_good: grpc.Channel

    def ask(self, case: str) -> Seen:
        return call(self.to_bad, "Unary", [b"small"], [("x-case", case)], timeout=10)


@pytest.fixture(scope="module")
def field(lane: Lane) -> Iterator[Field]:
    scripts = {RESETS: _reset, GOAWAYS: _go_away, ENTERING: refused_with_an_entry, REFERRING: by_reference}
    for server in SERVERS:
        scripts |= server.scripts()
    started = ScriptedServer(scripts)
    try:
        bad = lane.beside("bad", started.port)
        lane.service("good")
        caller = lane.caller_of("bad", "good")
        for name in ("bad", "good"):
            lane.reaches(caller, name)
        with caller.channel("bad") as to_bad, caller.channel("good") as to_good:
            yield Field(started, bad, to_bad, to_good)
    finally:
        started.close()


@pytest.mark.real
@pytest.mark.parametrize("server", bad_servers.flooding(), ids=str)
def test_a_flooding_server_is_left(server: BadServer, field: Field) -> None:
    before = CALM.of(field.bad)
    with Victim(field.to_good):
        seen = field.ask(str(server))
        assert seen.code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED), seen
        assert seen.reason() == "upstream_reset", seen
        (conversation,) = field.server.of_case(str(server))
        goaway = until(lambda: conversation.told(f.GOAWAY), "GOAWAY")[0]
        assert goaway.code() == f.ENHANCE_YOUR_CALM
        assert field.ask(server.twin_title).code is grpc.StatusCode.OK, "the next call is made on another connection"
    assert CALM.of(field.bad) == before + 1


@pytest.mark.real
@pytest.mark.parametrize("server", bad_servers.over_header_limit(), ids=str)
def test_an_answer_over_the_header_limit_costs_its_call(server: BadServer, field: Field) -> None:
    with Victim(field.to_good):
        seen = field.ask(str(server))
        assert (seen.code, seen.reason()) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "header_limit"), seen
        assert "header" in seen.details
        assert field.ask(server.twin_title).code is grpc.StatusCode.OK
    (conversation,) = field.server.of_case(str(server))
    assert not conversation.ended.is_set(), "the connection serves on"


@pytest.mark.real
def test_a_refused_answer_leaves_the_table_in_step(field: Field) -> None:
    assert field.ask(ENTERING).reason() == "header_limit"
    assert dict(field.ask(REFERRING).initial)["x-bomb"] == "b"
    assert field.server.of_case(ENTERING) == field.server.of_case(REFERRING), "both came on one connection"


@pytest.mark.real
@pytest.mark.parametrize("case", [RESETS, GOAWAYS])
def test_a_server_that_spoils_every_call_is_nobody_elses_trouble(case: str, field: Field) -> None:
    with Victim(field.to_good):
        seen = [field.ask(case) for _ in range(100)]
    assert {one.code for one in seen} <= {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL}
    until(lambda: call(field.to_bad, "Unary", [b"after"]).code is grpc.StatusCode.OK, "the bad service is tried again")


def _reset(conversation: Conversation, stream: int) -> None:
    conversation.send(f.rst_stream(stream, f.INTERNAL_ERROR))


def _go_away(conversation: Conversation, stream: int) -> None:
    conversation.send(f.goaway(stream, f.NO_ERROR), f.rst_stream(stream, f.INTERNAL_ERROR))
