"""Header lists that cost their receiver far more than their sender (CVE-2016-6581, CVE-2026-49975)."""

from collections.abc import Iterable
from dataclasses import dataclass

from tests.abuse.calls import head
from tests.conformance import frames as f

FIRST_DYNAMIC = 62  # RFC 7541 §2.3.3: behind the static table


@dataclass(frozen=True)
class Bomb:
    """A block that goes over a limit. `blocks` are HEADERS' contents in turn, each a request; the last one is it."""

    title: str
    blocks: tuple[bytes, ...]

    def __str__(self) -> str:
        return self.title


def over() -> tuple[Bomb, ...]:
    """Over the limit, but not four times: RESOURCE_EXHAUSTED, `header_limit`, on that stream alone."""
    return (
        Bomb("100 fields of 135 B", (_request(*((f"x-{number:03}", "b" * 130) for number in range(100))),)),
        Bomb("150 fields", (_request(*((f"x-{number}", "") for number in range(150))),)),
        Bomb("200 cookie crumbs", (_request(*([("cookie", "a=b")] * 200)),)),
        Bomb("8 references to 3 KiB", _bomb("b" * 3_000, 8)),
        Bomb("300 references to a tiny field", _bomb("b", 300)),
        Bomb("400 references to a crumb", (_request() + indexing("cookie", "a"), _request() + references(400))),
    )


def far_over() -> tuple[Bomb, ...]:
    """Four times over: the connection ends before more is decoded."""
    return (
        Bomb("100 references to 3 KiB", _bomb("b" * 3_000, 100)),
        Bomb("10,000 references to a tiny field", _bomb("b", 10_000)),
        Bomb("10,000 references to a crumb", (_request() + indexing("cookie", "a"), _request() + references(10_000))),
        Bomb("600 fields", (_request(*((f"x-{number}", "") for number in range(600))),)),
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
        f.frame(f.HEADERS, f.END_HEADERS, first + 2 * at, encoded)
        + f.data(first + 2 * at, f.message(b"after"), f.END_STREAM)
        for at, encoded in enumerate(blocks)
    )
