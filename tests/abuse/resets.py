"""Streams that are opened only to be reset, by either side."""

from collections.abc import Callable

from tests.abuse.attack import Attack, Script, flooded
from tests.abuse.calls import Indexed, expect_ok, head, resets_of, whole
from tests.conformance import frames as f
from tests.conformance.peer import Peer, Unexpected
from tests.conformance.sections.case import expect_pong

# The first stream behind those that are reset: 2,400, where 2,000 in ten seconds may be.
MOST_RAPID = 4_801


def attacks() -> tuple[Attack, ...]:
    return (
        RAPID,
        Attack(
            "MadeYouReset by WINDOW_UPDATE of 0 (CVE-2025-8671)", flooded(*_forced(250, _no_window)), _few(_no_window)
        ),
        Attack("MadeYouReset by a window over 2^31 - 1", flooded(*_forced(250, _overflow)), _few(_overflow)),
        Attack("MadeYouReset by PRIORITY of 4 bytes", flooded(*_forced(250, _short_priority)), _few(_short_priority)),
        Attack("MadeYouReset by a stream on itself", flooded(*_forced(250, _own_parent)), _few(_own_parent)),
        Attack("MadeYouReset by malformed requests", flooded(*(_malformed(n) for n in range(250))), _few_malformed),
    )


def rapid(peer: Peer) -> None:
    """More than another sidecar may reset before anybody could have seen it."""
    flooded(*_unseen())(peer)


def rapid_and_fine(peer: Peer) -> None:
    """The same of an application whose sidecar it is: it may."""
    peer.send(*_unseen())
    expect_pong(peer)
    peer.send(whole(MOST_RAPID))
    expect_ok(peer, MOST_RAPID)


def _unseen() -> list[bytes]:
    calls = Indexed()
    streams = range(1, MOST_RAPID, 2)
    return [calls.headers(stream, head("Bidi")) + f.rst_stream(stream, f.CANCEL) for stream in streams]


def _some_cancelled(peer: Peer) -> None:
    """550 calls, every second of them cancelled at once: impatient, but no attacker."""
    calls = Indexed()
    for first in range(1, 1_101, 44):
        streams = range(first, first + 44, 2)
        sent = [
            calls.whole(stream) + (f.rst_stream(stream, f.CANCEL) if stream % 4 == 1 else b"") for stream in streams
        ]
        peer.send(*sent)
        expect_ok(peer, *(stream for stream in streams if stream % 4 == 3))
    expect_pong(peer)


RAPID = Attack("rapid reset (CVE-2023-44487)", rapid, _some_cancelled)


def _no_window(stream: int) -> bytes:
    return f.window_update(stream, 0)


def _overflow(stream: int) -> bytes:
    return f.window_update(stream, (1 << 31) - 1)


def _short_priority(stream: int) -> bytes:
    return f.frame(f.PRIORITY, 0, stream, bytes(4))


def _own_parent(stream: int) -> bytes:
    return f.priority(stream, stream)


def _forced(times: int, error: Callable[[int], bytes]) -> list[bytes]:
    calls = Indexed()
    return [calls.headers(stream, head("Bidi")) + error(stream) for stream in range(1, 2 * times, 2)]


def _few(error: Callable[[int], bytes]) -> Script:
    """A clumsy client's stream errors: each costs its stream and no more."""

    def script(peer: Peer) -> None:
        peer.send(*_forced(30, error))
        codes = {came.code() for came in resets_of(peer, range(1, 61, 2))}
        if codes & {f.NO_ERROR, f.REFUSED_STREAM, f.CANCEL}:
            raise Unexpected(f"wanted codes that name the errors; came {codes}")
        peer.send(whole(61))
        expect_ok(peer, 61)

    return script


def _malformed(number: int) -> bytes:
    return f.headers(2 * number + 1, head("Unary", ("X-Upper", "1")))


def _few_malformed(peer: Peer) -> None:
    peer.send(*(_malformed(number) for number in range(100)))
    resets_of(peer, range(1, 201, 2), f.PROTOCOL_ERROR)
    expect_pong(peer)
