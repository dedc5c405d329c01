"""What h2spec asks and the engine does not do yet: with these three it would pass 147 of 147, as far as can be told."""

import struct
from collections.abc import Iterator

import pytest

from tests.conformance import frames as f
from tests.conformance.peer import Peer
from tests.conformance.sections.case import OPEN, REQUEST, expect_end, expect_goaway

SELF = struct.pack(">IB", 1, 255)


@pytest.fixture
def peer(echo_address: str) -> Iterator[Peer]:
    connected = Peer.connect(echo_address)
    try:
        yield connected.greet()
    finally:
        connected.close()


@pytest.mark.real
@pytest.mark.xfail(strict=True, reason="h2spec http2/5.1/12: the engine resets the stream alone, with STREAM_CLOSED")
def test_a_second_request_on_an_ended_stream_ends_the_connection(peer: Peer) -> None:
    peer.send(OPEN + f.data(1, f.message(b"x"), f.END_STREAM))
    expect_end(peer, 1)
    peer.send(OPEN)
    expect_goaway(peer, f.STREAM_CLOSED)


@pytest.mark.real
@pytest.mark.xfail(strict=True, reason="h2spec http2/5.3.1/1 (RFC 7540 §5.3.1): the engine reads no dependencies")
def test_a_request_that_depends_on_itself_is_reset(peer: Peer) -> None:
    peer.send(f.frame(f.HEADERS, f.END_HEADERS | f.END_STREAM | 0x20, 1, SELF + f.block(REQUEST)))
    _expect_protocol_error(peer)


@pytest.mark.real
@pytest.mark.xfail(strict=True, reason="h2spec http2/5.3.1/2 (RFC 7540 §5.3.1): the engine reads no dependencies")
def test_a_priority_that_depends_on_itself_is_reset(peer: Peer) -> None:
    peer.send(f.frame(f.PRIORITY, 0, 1, SELF), f.ping(b"has read"))
    _expect_protocol_error(peer)


def _expect_protocol_error(peer: Peer) -> None:
    """RST_STREAM, or a GOAWAY: h2spec takes either. A pong or the call's end comes after it or instead."""
    ends = (f.RST_STREAM, f.GOAWAY)
    frame = peer.until(
        lambda frame: frame.kind in (*ends, f.PING) or bool(frame.stream and frame.flags & f.END_STREAM), "an error"
    )
    assert frame.kind in ends, str(frame)
    assert frame.code() == f.PROTOCOL_ERROR
