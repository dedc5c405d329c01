"""The application-facing listener of a real sidecar keeps to RFC 9113 and RFC 7541, section by section.

Three of h2spec's demands are not met; they are here too, as expected failures.
"""

import struct
from collections.abc import Iterator

import pytest

from tests.conformance import frames as f
from tests.conformance.peer import Peer
from tests.conformance.run_sections import run_case
from tests.conformance.sections.case import OPEN, REQUEST, Case, expect_end, expect_goaway
from tests.conformance.sections.catalogue import cases
from tests.conformance.sections.h2spec_counterparts import COUNTERPARTS, PLAIN, UNMET

SELF = struct.pack(">IB", 1, 255)


@pytest.mark.real
@pytest.mark.parametrize("case", cases(), ids=str)
def test_the_listener_keeps_to(case: Case, echo_address: str) -> None:
    result = run_case(case, echo_address)
    assert result.passed, result.reason


def test_each_case_of_h2spec_has_a_counterpart() -> None:
    ours, wanted = {str(case) for case in cases()}, [name for names in COUNTERPARTS.values() for name in names]
    assert len(wanted) == 147
    assert (wanted.count(UNMET), wanted.count(PLAIN)) == (3, 2)
    assert set(wanted) - ours == {UNMET, PLAIN}


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
