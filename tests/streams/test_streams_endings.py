"""Deadlines and cancels, in the middle of a great message too: both sides learn of it, and nobody else is touched."""

from collections.abc import Callable
from typing import Any

import grpc
import pytest

from tests.abuse.memory import resident
from tests.conformance import frames
from tests.conformance.scripted_server import Conversation
from tests.streams.calling import Outgoing, sending
from tests.streams.pair import Pair
from tests.streams.raw import Raw
from tests.support.waiting import until

GREAT = 100_000_000
SPARE = 20.0  # MiB that a sidecar may hold for a message that nobody reads
DEADLINE = 0.5  # seconds
MANY = 250
UPLOAD = "an upload"


@pytest.mark.real
def test_a_cancel_in_the_middle_of_100_mb_reaches_the_application(streams: Pair) -> None:
    """The application reads nothing, so the message stands half-way, and in no sidecar's memory."""
    before = [resident(member) for member in (streams.caller, streams.callee)]
    with streams.channel() as via, Outgoing() as kept_open:
        beside = _beside(via, kept_open)
        call = sending(via, "Ignore", [bytes(GREAT)], ("x-call-id", "cancel-upload"))
        call.initial_metadata()
        after = [resident(member) for member in (streams.caller, streams.callee)]
        call.cancel()
        assert call.code() is grpc.StatusCode.CANCELLED
        assert streams.ending("cancel-upload") == "cancelled"
        beside()
    assert max(now - then for now, then in zip(after, before, strict=True)) < SPARE


@pytest.mark.real
def test_a_cancel_while_a_great_message_flows_is_a_reset_with_cancel(raw_server: Raw) -> None:
    with raw_server.channel() as via:
        call = sending(via, "Upload", [bytes(GREAT)], ("x-case", UPLOAD))
        arriving = until(lambda: _arriving(raw_server), "the first MiB of the message")
        assert arriving is not None
        conversation, stream = arriving
        assert len(conversation.requests[stream].body) < GREAT
        call.cancel()
        reset = until(lambda: [f for f in conversation.told(frames.RST_STREAM) if f.stream == stream], "the reset")
        assert [frame.code() for frame in reset] == [frames.CANCEL]
        assert list(sending(via, "Next", [b"next"])) == [b"next"], "both connections go on"


@pytest.mark.real
def test_a_cancel_in_the_middle_of_an_answer_reaches_the_application(streams: Pair) -> None:
    with streams.channel() as via, Outgoing() as kept_open:
        beside = _beside(via, kept_open)
        call = sending(
            via, "Send", [b""], ("x-count", "100"), ("x-size", str(GREAT // 10)), ("x-call-id", "cancel-download")
        )
        next(call)
        call.cancel()
        assert call.code() is grpc.StatusCode.CANCELLED
        assert streams.ending("cancel-download") == "cancelled"
        beside()


@pytest.mark.real
@pytest.mark.parametrize("message", [b"", bytes(GREAT)], ids=["of nothing", "of 100 MB"])
def test_a_deadline_ends_a_call_on_both_sides(message: bytes, streams: Pair) -> None:
    call_id = f"deadline-{len(message)}"
    with streams.channel() as via, Outgoing() as kept_open:
        beside = _beside(via, kept_open)
        call = sending(via, "Ignore", [message], ("x-call-id", call_id), limit=DEADLINE)
        with pytest.raises(grpc.RpcError):
            next(call)
        assert call.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert streams.ending(call_id) == "cancelled"
        beside()


@pytest.mark.real
def test_cancelled_calls_leave_their_places(streams: Pair) -> None:
    """Slower than the rate at which resets are an attack: half of the streams end by themselves."""
    with streams.channel() as via:
        for number in range(MANY):
            with Outgoing() as outgoing:
                call = sending(via, "Bidi", outgoing)
                outgoing.send(b"in")
                assert next(call) == b"in"
                call.cancel()
            assert list(sending(via, "Bidi", [b"after", str(number).encode()])) == [b"after", str(number).encode()]


def _arriving(raw_server: Raw) -> tuple[Conversation, int] | None:
    """Where the upload is, once more than the windows' worth has come."""
    for conversation in list(raw_server.server.conversations):
        for stream, request in list(conversation.requests.items()):
            if request.case == UPLOAD and len(request.body) > 1 << 20:
                return conversation, stream
    return None


def _beside(via: grpc.Channel, outgoing: Outgoing) -> Callable[[], None]:
    """A stream on the same connection, begun; calling what is returned shows that it goes on."""
    call: Any = sending(via, "Bidi", outgoing)
    outgoing.send(b"before")
    assert next(call) == b"before"

    def goes_on() -> None:
        outgoing.send(b"after")
        assert next(call) == b"after"

    return goes_on
