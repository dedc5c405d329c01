"""Header lists that cost their receiver far more than their sender (CVE-2016-6581, CVE-2026-49975)."""

from collections.abc import Iterable
from dataclasses import dataclass

from tests.abuse.calls import head
from tests.conformance import frames as f

MOST_FRAME = 16_384
FIRST_DYNAMIC = 62  # RFC 7541 §2.3.3: behind the static table


@dataclass(frozen=True)
class Bomb:
    """A block that goes over a limit. `blocks` are HEADERS' contents in turn, each a request; the last one is it."""

    title: str
    blocks: tuple[bytes, ...]

    def __str__(self) -> str:
        return self.title


def over() -> tuple[Bomb, ...]:
    """Over it, however far an honest program may go: RESOURCE_EXHAUSTED, `header_limit`, on that stream alone."""
    return (
        Bomb("110 fields of 135 B", (_request(*((f"x-{number:03}", "b" * 130) for number in range(110))),)),
        Bomb("150 fields", (_request(*((f"x-{number}", "") for number in range(150))),)),
        Bomb("200 cookie crumbs", (_request(*([("cookie", "a=b")] * 200)),)),
        Bomb("8 references to 3 KiB", _bomb("b" * 3_000, 8)),
        Bomb("300 references to a tiny field", _bomb("b", 300)),
        Bomb("400 references to a crumb", (_request() + indexing("cookie", "a"), _request() + references(400))),
        Bomb("100 references to 3 KiB", _bomb("b" * 3_000, 100)),
        Bomb("10,000 references to a tiny field", _bomb("b", 10_000)),
        Bomb("600 fields", (_request(*((f"x-{number}", "") for number in range(600))),)),
        Bomb("a field of 900 KiB", (_request(("x-long", "b" * 900 * 1024)),)),
    )


def far_over() -> tuple[Bomb, ...]:
    """Beyond what any program sends: the connection ends before more is decoded."""
    return (
        Bomb("110,000 references to a tiny field", _bomb("b", 110_000)),
        Bomb("110,000 references to a crumb", (_request() + indexing("cookie", "a"), _request() + references(110_000))),
        Bomb("110,000 references to 3 KiB", _bomb("b" * 3_000, 110_000)),
        Bomb("a field of over 1 MiB", (_request(("x-long", "b" * 1_100_000)),)),
    )


def within() -> tuple[Bomb, ...]:
    """As much as honest callers send: a login's cookies, a token of 5 KiB, a hundred fields."""
    return (
        Bomb("a token of 5 KiB", (_request(("authorization", "b" * 5_000)),)),
        Bomb("100 short fields", (_request(*((f"x-{number}", "") for number in range(100))),)),
        Bomb("60 cookie crumbs", (_request(*([("cookie", "a=b")] * 60)),)),
        Bomb("60 references to a tiny field", _bomb("b", 60)),
    )


def _request(*more: tuple[str, str]) -> bytes:
    return f.block(head("Unary", *more))


def indexing(name: str, value: str) -> bytes:
    """RFC 7541 §6.2.1: into the table, as a new name."""
    return b"\x40" + f.literal(name, value)[1:]


def references(times: int) -> bytes:
    """To the newest entry of the table, a byte each (RFC 7541 §6.1)."""
    return bytes([0x80 | FIRST_DYNAMIC]) * times


def _bomb(value: str, times: int) -> tuple[bytes, ...]:
    """An honest request that fills the table, and one that lives off it."""
    return (_request() + indexing("x-bomb", value), _request() + references(times))


def sent(blocks: Iterable[bytes], first: int) -> bytes:
    """Each as a call of its own, on streams from `first` on."""
    return b"".join(
        _framed(encoded, first + 2 * at) + f.data(first + 2 * at, f.message(b"after"), f.END_STREAM)
        for at, encoded in enumerate(blocks)
    )


def _framed(encoded: bytes, stream: int) -> bytes:
    """A block in frames that are as long as they may be."""
    first, *rest = (encoded[at : at + MOST_FRAME] for at in range(0, len(encoded), MOST_FRAME))
    flags = [0] * len(rest) + [f.END_HEADERS]
    framed = f.frame(f.HEADERS, flags[0], stream, first)
    continued = zip(flags[1:], rest, strict=True)
    return framed + b"".join(f.frame(f.CONTINUATION, flag, stream, part) for flag, part in continued)
