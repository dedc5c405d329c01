"""Either side of a stream may end before the other; what it had to say still comes, and its place is free again."""

import pytest

from tests.streams.application import one_byte
from tests.streams.calling import Outgoing, sending
from tests.streams.pair import Pair

OVER_THE_LIMIT = 250  # calls in turn on a connection that has places for 100 at once


@pytest.mark.real
def test_a_server_may_speak_long_after_its_caller_has_ended(streams: Pair) -> None:
    with streams.channel() as via:
        call = sending(via, "Late", [b"only"], ("x-count", "3000"), ("x-call-id", "late"))
        assert list(call) == [one_byte(number) for number in range(3000)]
    assert call.code().name == "OK"
    assert streams.ending("late") == "ended"


@pytest.mark.real
def test_a_caller_that_says_nothing_has_still_ended(streams: Pair) -> None:
    with streams.channel() as via:
        assert list(sending(via, "Bidi", [])) == []
        assert next(sending(via, "Digest", [])).startswith(b"0 ")


@pytest.mark.real
def test_a_server_may_end_before_its_caller(streams: Pair) -> None:
    """The answer and the status come though the caller's side is open."""
    with streams.channel() as via, Outgoing() as outgoing:
        call = sending(via, "Early", outgoing, ("x-call-id", "early"))
        outgoing.send(b"first")
        assert list(call) == [b"first"]
        assert call.code().name == "OK"
    assert streams.ending("early") == "ended"


@pytest.mark.real
def test_a_server_may_end_while_a_great_message_still_comes(streams: Pair) -> None:
    with streams.channel() as via:
        call = sending(via, "Early", [b"first", bytes(50_000_000)])
        assert list(call) == [b"first"]
        assert call.code().name == "OK"
        assert list(sending(via, "Bidi", [b"next"])) == [b"next"], "the connection goes on"


@pytest.mark.real
def test_calls_that_the_server_ended_first_leave_their_places(streams: Pair) -> None:
    with streams.channel() as via, Outgoing() as kept_open:
        still_open = sending(via, "Bidi", kept_open)
        kept_open.send(b"a")
        assert next(still_open) == b"a"
        for number in range(OVER_THE_LIMIT):
            with Outgoing() as outgoing:
                outgoing.send(one_byte(number))
                assert list(sending(via, "Early", outgoing)) == [one_byte(number)]
        kept_open.send(b"z")
        assert next(still_open) == b"z", "a stream beside them went on all the while"
