"""What a bad server may answer a call with to hurt the sidecar, and how that ends."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.abuse.header_lists import indexing, references
from tests.conformance import frames as f
from tests.conformance.scripted_server import HEAD, TRAILERS, Conversation, Script

ENDS = f.END_HEADERS | f.END_STREAM
SMALL = f.message(b"small")


@dataclass(frozen=True)
class BadServer:
    """`sent(stream)` is the answer to a call; `twin(stream)` an honest one that looks like it."""

    title: str
    sent: Callable[[int], bytes]
    twin: Callable[[int], bytes]

    def __str__(self) -> str:
        return self.title

    def scripts(self) -> dict[str, Script]:
        return {self.title: _answering(self.sent), self.twin_title: _answering(self.twin)}

    @property
    def twin_title(self) -> str:
        return f"{self.title}, the twin"


def flooding() -> tuple[BadServer, ...]:
    """Each must be told GOAWAY with ENHANCE_YOUR_CALM."""
    return (
        BadServer("PING flood", lambda _: f.ping() * 1_500, lambda s: f.ping() * 100 + _whole(s)),
        BadServer("SETTINGS flood", lambda _: f.settings() * 150, lambda s: f.settings() * 10 + _whole(s)),
        BadServer("PRIORITY flood", lambda s: f.priority(s, 0) * 1_500, lambda s: f.priority(s, 0) * 20 + _whole(s)),
        BadServer("flood of an unknown type", lambda _: _grease(1_500), lambda s: _grease(20) + _whole(s)),
        BadServer("WINDOW_UPDATE flood", lambda _: _window(1_500), lambda s: _window(100) + _whole(s)),
        BadServer("empty DATA flood", lambda s: _head(s) + f.data(s) * 150, lambda s: _head(s) + _gaps(s) + _end(s)),
        BadServer("CONTINUATION flood", lambda s: _pieces(s, 9), lambda s: _pieces(s, 8) + _end(s)),
    )


def over_header_limit() -> tuple[BadServer, ...]:
    """Each costs its call alone: RESOURCE_EXHAUSTED, `header_limit`."""
    return (
        BadServer("300 references to a tiny field", lambda s: _bomb(s, 300), lambda s: _bomb(s, 60) + _end(s)),
        BadServer("10,000 references to a tiny field", lambda s: _bomb(s, 10_000), lambda s: _bomb(s, 60) + _end(s)),
        BadServer("100 references to 3 KiB", lambda s: _bomb(s, 100, 3_000), lambda s: _bomb(s, 2, 1_000) + _end(s)),
        BadServer("8 references to 3 KiB", lambda s: _bomb(s, 8, 3_000), lambda s: _bomb(s, 2, 1_000) + _end(s)),
        BadServer("150 trailers", lambda s: _trailers(s, 150), lambda s: _trailers(s, 100)),
    )


def refused_with_an_entry(conversation: Conversation, stream: int) -> None:
    """An answer over the limit that leaves `x-bomb: b` in the table."""
    conversation.send(_bomb(stream, 300))


def by_reference(conversation: Conversation, stream: int) -> None:
    """An answer that names the entry by its place alone."""
    head = f.frame(f.HEADERS, f.END_HEADERS, stream, f.block(HEAD) + references(1))
    conversation.send(head + f.data(stream, SMALL) + _end(stream))


def _answering(sent: Callable[[int], bytes]) -> Script:
    def answer(conversation: Conversation, stream: int) -> None:
        conversation.send(sent(stream))

    return answer


def _head(stream: int) -> bytes:
    return f.headers(stream, HEAD)


def _end(stream: int) -> bytes:
    return f.headers(stream, TRAILERS, ENDS)


def _whole(stream: int) -> bytes:
    return _head(stream) + f.data(stream, SMALL) + _end(stream)


def _grease(times: int) -> bytes:
    return f.frame(0x16, 0, 0, b"?") * times


def _window(times: int) -> bytes:
    return f.window_update(0, 1) * times


def _gaps(stream: int) -> bytes:
    return f.data(stream) * 50 + f.data(stream, SMALL) + f.data(stream) * 50


def _pieces(stream: int, continuations: int) -> bytes:
    encoded = f.block(HEAD)
    empty = f.frame(f.CONTINUATION, 0, stream) * (continuations - 1)
    return f.frame(f.HEADERS, 0, stream, encoded) + empty + f.frame(f.CONTINUATION, f.END_HEADERS, stream)


def _bomb(stream: int, times: int, size: int = 1) -> bytes:
    encoded = f.block(HEAD) + indexing("x-bomb", "b" * size) + references(times)
    return f.frame(f.HEADERS, f.END_HEADERS, stream, encoded)


def _trailers(stream: int, count: int) -> bytes:
    return _head(stream) + f.headers(stream, (*TRAILERS, *((f"x-{n}", "") for n in range(count))), ENDS)
