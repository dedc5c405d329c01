"""Trailers of 15 KiB come whole; of 17 KiB they cost their own stream, by a status that names the limit."""

import grpc
import pytest

from tests.abuse.counted import RECEIVED_HEADER_LIMIT
from tests.conformance.scripted_server import TRAILERS, Conversation
from tests.streams.calling import Outgoing, begin, sending
from tests.streams.pair import Pair
from tests.streams.raw import Raw, answering
from tests.support.echo_client import call

WHOLE, TOO_LONG = 15 << 10, 17 << 10
LIMIT = "the limit is 16,384 (max_header_list_bytes)"
HELD = "held"


def _held(conversation: Conversation, stream: int) -> None:
    """Echoes once its caller has ended its side."""
    conversation.answer(stream)


def _long(size: int) -> tuple[tuple[str, str], ...]:
    return (*TRAILERS, ("x-long", "t" * size))


@pytest.mark.real
def test_trailers_of_15_kib_come_whole(streams: Pair) -> None:
    with streams.channel() as via:
        made = begin(via, "Trailers", b"answer", ("x-size", str(WHOLE)))
        assert made.result() == b"answer"
        assert dict(made.trailing_metadata())["x-long"] == "t" * WHOLE


@pytest.mark.real
def test_trailers_of_17_kib_are_refused_whatever_library_sends_them(streams: Pair) -> None:
    """grpcio knows the limit that the sidecar announces, and keeps to it by itself."""
    with streams.channel() as via:
        made = begin(via, "Trailers", b"answer", ("x-size", str(TOO_LONG)))
        assert made.code() is grpc.StatusCode.RESOURCE_EXHAUSTED, made.details()


@pytest.mark.real
@pytest.mark.parametrize("kind", ["", "only "], ids=["after a message", "trailers alone"])
def test_trailers_of_17_kib_cost_their_stream_alone(kind: str, raw_server: Raw) -> None:
    sizes = (WHOLE, TOO_LONG)
    raw_server.scripts[HELD] = _held
    raw_server.scripts.update({str(size): answering((), _long(size)) for size in sizes})
    raw_server.scripts.update({f"only {size}": answering(_long(size)) for size in sizes})
    before = RECEIVED_HEADER_LIMIT.of(raw_server.callee)
    with raw_server.channel() as via, Outgoing() as outgoing:
        held = sending(via, "Held", outgoing, ("x-case", HELD))
        outgoing.send(b"before")
        assert call(via, "Unary", [b"?"], [("x-case", f"{kind}{WHOLE}")]).code is grpc.StatusCode.OK
        refused = call(via, "Unary", [b"?"], [("x-case", f"{kind}{TOO_LONG}")])
        assert (refused.code, refused.reason()) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "header_limit"), refused
        assert LIMIT in refused.details, refused.details
        outgoing.send(b"after")
        outgoing.close()
        assert list(held) == [b"before", b"after"], "a stream on the same connections goes on"
    assert raw_server.the_conversation(f"{kind}{TOO_LONG}") is raw_server.the_conversation(HELD)
    assert RECEIVED_HEADER_LIMIT.of(raw_server.callee) == before + 1
