"""Peers that say a little and then nothing: each phase has its time, and nobody else waits for them.

Named so that only `make abuse` runs it: it lasts as long as the limits it waits for.
"""

import contextlib
import socket
import time
from contextlib import ExitStack

import pytest

from tests.abuse.calls import begun, expect_ok, head, whole
from tests.abuse.counted import CLOSED, Counter
from tests.abuse.ring import Door, Ring
from tests.conformance import frames as f
from tests.conformance.peer import Peer
from tests.support.waiting import until

HANDSHAKE, BLOCK, STALL = 10.0, 5.0, 60.0  # seconds
LATE = 3.0
A_CROWD = 50
BY_HANDSHAKE = Counter(CLOSED, {"reason": "handshake"})
BEGINNINGS = {
    "nothing": b"",
    "half a preface": f.PREFACE[:12],
    "a preface without SETTINGS": f.PREFACE,
    "half of SETTINGS": f.PREFACE + f.settings((f.INITIAL_WINDOW_SIZE, 100))[:9],
    "half a CONNECT": b"CONNECT echo.test:80 HTTP/1.1\r\nhost: ",
}


@pytest.mark.real
def test_a_crowd_that_never_begins_is_sent_away_after_ten_seconds(mesh_ring: Ring) -> None:
    """At each step of the beginning, fifty connections; one more of them begins late, and is served."""
    before, begun_at = BY_HANDSHAKE.of(mesh_ring.caller), time.monotonic()
    with mesh_ring.victim(), ExitStack() as all_of_them:
        crowd = [
            _begun(all_of_them, mesh_ring.attacker(Door.OUTBOUND), beginning)
            for beginning in BEGINNINGS.values()
            for _ in range(A_CROWD // len(BEGINNINGS))
        ]
        late = _begun(all_of_them, mesh_ring.attacker(Door.OUTBOUND), f.PREFACE)
        assert stays_open(late, LATE), "a late one is still let in"
        late.send(f.settings(), whole(1))
        expect_ok(late, 1)
        for peer in crowd:
            _expect_close(peer, HANDSHAKE + 2)
        took = time.monotonic() - begun_at
    assert HANDSHAKE - 1 <= took <= HANDSHAKE + 2
    until(lambda: BY_HANDSHAKE.of(mesh_ring.caller) == before + A_CROWD, "each is counted once")


@pytest.mark.real
def test_a_tls_handshake_that_is_never_made_ends_after_ten_seconds(mesh_ring: Ring) -> None:
    host, _, port = str(mesh_ring.echo.addresses["inbound"]).rpartition(":")
    begun_at = time.monotonic()
    with mesh_ring.victim(), socket.create_connection((host, int(port))) as sock:
        _expect_close(Peer(sock), HANDSHAKE + 2)
    assert time.monotonic() - begun_at >= HANDSHAKE - 1


@pytest.mark.real
@pytest.mark.parametrize("door", Door, ids=lambda door: door.value)
def test_a_header_block_must_be_whole_within_five_seconds(door: Door, mesh_ring: Ring) -> None:
    """CVE-2019-9516's cousin: a block that dribbles; another one that pauses for a while is served."""
    encoded, begun_at = f.block(head("Unary")), time.monotonic()
    with mesh_ring.victim(), mesh_ring.greeted(door) as attacker, mesh_ring.greeted(door) as honest:
        for peer in (attacker, honest):
            peer.send(f.frame(f.HEADERS, 0, 1, encoded[:20]))
        assert stays_open(honest, LATE)
        honest.send(f.frame(f.CONTINUATION, f.END_HEADERS, 1, encoded[20:]), f.data(1, f.message(b"late"), 1))
        expect_ok(honest, 1)
        attacker.send(f.frame(f.CONTINUATION, 0, 1, encoded[20:30]))
        _expect_close(attacker, BLOCK + 1)
    assert BLOCK - 1 <= time.monotonic() - begun_at <= BLOCK + 2


@pytest.mark.real
def test_a_header_block_that_is_cut_off_is_told_so(mesh_ring: Ring) -> None:
    with mesh_ring.greeted(Door.OUTBOUND) as attacker:
        attacker.send(f.frame(f.HEADERS, 0, 1, f.block(head("Unary"))[:20]))
        _expect_close(attacker, BLOCK + 2)
        assert [frame.code() for frame in attacker.seen if frame.kind == f.GOAWAY] == [f.ENHANCE_YOUR_CALM]


@pytest.mark.real
@pytest.mark.timeout(150)
def test_a_stream_without_progress_is_reset_after_a_minute(mesh_ring: Ring) -> None:
    """Streams are looked at four times in the limit, so a reset comes a quarter of it late at most."""
    with mesh_ring.greeted(Door.OUTBOUND) as attacker:
        attacker.send(f.settings((f.INITIAL_WINDOW_SIZE, 0)), begun(1, "ServerStream"))
        attacker.send(f.data(1, f.message(bytes(5_000)), f.END_STREAM))
        with contextlib.suppress(TimeoutError):
            while (frame := attacker.read(STALL * 1.25 + 2)) is not None and frame.kind != f.RST_STREAM:
                pass
    assert f.RST_STREAM in {frame.kind for frame in attacker.seen}


def _begun(stack: ExitStack, peer: Peer, beginning: bytes) -> Peer:
    stack.callback(peer.close)
    peer.send(beginning)
    return peer


def stays_open(peer: Peer, seconds: float) -> bool:
    """Whether the connection is still open after so long; frames that come are taken."""
    deadline = time.monotonic() + seconds
    try:
        while peer.read(deadline - time.monotonic()) is not None:
            pass
    except TimeoutError:
        return True
    return False


def _expect_close(peer: Peer, within: float) -> None:
    """Its end, whatever it says before. TimeoutError when it stays open."""
    while peer.read(within) is not None:
        pass
