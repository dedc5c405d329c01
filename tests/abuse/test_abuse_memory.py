"""What a peer does not read, or does not take, costs a bounded amount of memory, which comes back."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.abuse import unread
from tests.abuse.calls import begun, head
from tests.abuse.counted import ENDED, IN_FLIGHT
from tests.abuse.memory import resident
from tests.abuse.ring import Door, Ring
from tests.conformance import frames as f
from tests.conformance.peer import Peer
from tests.conformance.sections.case import expect_pong
from tests.support.waiting import until

MOST_GROWTH = 20.0  # MiB
STREAMS = range(1, 201, 2)


@contextmanager
def bounded(ring: Ring) -> Iterator[None]:
    """Neither sidecar grows by more than may be while it lasts."""
    members = (ring.caller, ring.echo)
    before = [resident(member) for member in members]
    yield
    grown = [resident(member) - was for member, was in zip(members, before, strict=True)]
    assert max(grown) <= MOST_GROWTH, f"caller and echo grew by {grown} MiB"


@contextmanager
def returning(ring: Ring) -> Iterator[None]:
    """Both have their memory back, within 10 %, at most 30 s later."""
    members = (ring.caller, ring.echo)
    for member in members:
        member.metrics()  # the first page costs the imports it needs
    before = [resident(member) for member in members]
    yield
    until(
        lambda: all(resident(member) <= was * 1.1 for member, was in zip(members, before, strict=True)),
        "memory comes back within 10 %",
        limit=30,
    )


@pytest.mark.real
def test_a_hundred_streams_that_nobody_reads(mesh_ring: Ring) -> None:
    """CVE-2019-9517: a window as wide as can be, and a socket that is never read."""
    with (
        returning(mesh_ring),
        mesh_ring.victim(100),
        unread.deaf(mesh_ring.caller.addresses["outbound"]) as attacker,
        bounded(mesh_ring),
    ):
        attacker.send(f.settings((f.INITIAL_WINDOW_SIZE, (1 << 31) - 1)), f.window_update(0, (1 << 31) - 70_000))
        attacker.send(*(_stream_of(stream, replies=200, size=16_000) for stream in STREAMS))
        until(lambda: IN_FLIGHT.of(mesh_ring.caller) >= len(STREAMS), "all streams are under way")


@pytest.mark.real
def test_a_hundred_streams_with_a_window_of_0(mesh_ring: Ring) -> None:
    with (
        returning(mesh_ring),
        mesh_ring.victim(100),
        mesh_ring.at(mesh_ring.caller.addresses["outbound"]) as attacker,
        bounded(mesh_ring),
    ):
        attacker.send(f.settings((f.INITIAL_WINDOW_SIZE, 0)))
        attacker.send(*(_stream_of(stream, replies=200, size=16_000) for stream in STREAMS))
        heads = set[int]()
        while len(heads) < len(STREAMS):
            heads.add(attacker.until(lambda frame: frame.kind == f.HEADERS, "a head").stream)


@pytest.mark.real
def test_windows_full_of_single_bytes(mesh_ring: Ring) -> None:
    """Ten bytes of frame for each byte that the application does not take yet."""
    streams = STREAMS[:20]
    with mesh_ring.victim(100), mesh_ring.greeted(Door.OUTBOUND) as attacker, bounded(mesh_ring):
        attacker.send(*(begun(stream, "Bidi", ("x-wait-ms", "20000")) for stream in streams))
        attacker.send(*(f.data(stream, b"x") * 30_000 for stream in streams))
        expect_pong(attacker)


@pytest.mark.real
def test_a_reader_of_a_few_bytes_at_a_time_gets_all(mesh_ring: Ring) -> None:
    """The twin: slow, but it goes on."""
    with mesh_ring.greeted(Door.OUTBOUND) as honest:
        honest.send(f.settings((f.INITIAL_WINDOW_SIZE, 0)), _stream_of(1, replies=1, size=10_000))
        left = 10_005
        while left:
            honest.send(f.window_update(1, min(left, 500)))
            came = honest.until(lambda frame: frame.kind == f.DATA, "DATA")
            left -= len(came.payload)
        expect_end(honest)


@pytest.mark.real
@pytest.mark.parametrize("answer", ["refused streams", "replies of the proxy"])
def test_answers_that_nobody_reads_end_the_connection(answer: str, mesh_ring: Ring) -> None:
    """RST_STREAM of streams over the limit; trailers-only replies, seven times as long as what asked for them."""
    made = {
        "refused streams": unread.requests(unread.OPEN, (":authority", "echo.test")),
        "replies of the proxy": unread.requests(unread.WHOLE, (":authority", "nowhere.test")),
    }
    before = ENDED.of(mesh_ring.caller)
    with mesh_ring.victim(100), unread.deaf(mesh_ring.caller.addresses["outbound"]) as attacker, bounded(mesh_ring):
        unread.write(attacker, made[answer], 200_000)
        until(lambda: ENDED.of(mesh_ring.caller) > before, "the connection is ended", limit=2)


@pytest.mark.real
def test_answers_that_are_read_late_are_all_there(mesh_ring: Ring) -> None:
    """The twin: a burst of calls, and only then a look at what came."""
    make = unread.requests(unread.WHOLE, (":authority", "nowhere.test"))
    with unread.deaf(mesh_ring.caller.addresses["outbound"]) as honest:
        honest.send(*(make(number) for number in range(500)))
        for _ in range(500):
            honest.until(lambda frame: frame.kind == f.HEADERS and bool(frame.flags & f.END_STREAM), "a reply")


def expect_end(peer: Peer) -> None:
    peer.until(lambda frame: frame.kind == f.HEADERS and bool(frame.flags & f.END_STREAM), "trailers")


def _stream_of(stream: int, replies: int, size: int) -> bytes:
    fields = head("ServerStream", ("x-replies", str(replies)))
    return f.headers(stream, fields) + f.data(stream, f.message(bytes(size)), f.END_STREAM)
