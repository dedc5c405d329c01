"""gRPC's negative HTTP/2 interop cases: what a server may do to a client that must cope with it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tests.conformance import frames as f
from tests.conformance.scripted_server import HEAD, Conversation, Script

PINGS: Final = 8


def goaway(conversation: Conversation, stream: int) -> None:
    """The answer, and then no more on this connection."""
    conversation.answer(stream)
    conversation.send(f.goaway(stream, f.NO_ERROR))


def rst_after_header(conversation: Conversation, stream: int) -> None:
    conversation.send(f.headers(stream, HEAD), f.rst_stream(stream, f.NO_ERROR))


def rst_during_data(conversation: Conversation, stream: int) -> None:
    body = conversation.requests[stream].body
    half = body[: len(body) // 2]
    conversation.send(f.headers(stream, HEAD), f.data(stream, half), f.rst_stream(stream, f.NO_ERROR))


def rst_after_data(conversation: Conversation, stream: int) -> None:
    body = conversation.requests[stream].body
    conversation.send(f.headers(stream, HEAD), f.data(stream, body), f.rst_stream(stream, f.NO_ERROR))


def ping(conversation: Conversation, stream: int) -> None:
    """PINGs before, between and after the frames of an answer that ends once all are acknowledged."""
    body = conversation.requests[stream].body
    conversation.pongs += [lambda: None] * (PINGS - 1) + [lambda: conversation.answer(stream)]
    conversation.send(f.ping(b"before 0"), f.ping(b"before 1"), f.frame(f.PING, 0, 0, body[5:13].ljust(8, b"-")))
    conversation.send(*(f.ping(b"after %02d" % n) for n in range(PINGS - 3)))


def max_streams(conversation: Conversation, stream: int) -> None:
    """For a server that announces one stream: time enough to send a second."""
    conversation.answer_after_a_round_trip(stream)


SCRIPTS: Final[Mapping[str, Script]] = MappingProxyType(
    {
        "goaway": goaway,
        "rst_after_header": rst_after_header,
        "rst_during_data": rst_during_data,
        "rst_after_data": rst_after_data,
        "ping": ping,
        "max_streams": max_streams,
    }
)
