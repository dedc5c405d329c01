"""Calls as an attacker writes them: whole, begun, and read to their end."""

from collections.abc import Iterable, Sequence

from hpack import Encoder

from tests.conformance import frames as f
from tests.conformance.peer import Frame, Peer, Unexpected

Fields = tuple[tuple[str, str], ...]
SERVICE = "/echo.v1.Echo"
ENDS = f.END_HEADERS | f.END_STREAM


def head(method: str = "Unary", *more: tuple[str, str]) -> Fields:
    """A request's fields; `method` may be a whole path."""
    path = method if method.startswith("/") else f"{SERVICE}/{method}"
    pseudo = ((":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "echo.test"))
    return (*pseudo, ("content-type", "application/grpc"), ("te", "trailers"), *more)


def whole(stream: int, method: str = "Unary", *more: tuple[str, str], message: bytes = b"after") -> bytes:
    """A call of one message that touches no table."""
    return f.headers(stream, head(method, *more)) + f.data(stream, f.message(message), f.END_STREAM)


def begun(stream: int, method: str = "Bidi", *more: tuple[str, str]) -> bytes:
    """A call that stays open."""
    return f.headers(stream, head(method, *more))


class Indexed:
    """Calls by a real encoder: from the second on a head is a few bytes."""

    def __init__(self) -> None:
        self._encoder = Encoder()

    def headers(self, stream: int, fields: Iterable[tuple[str, str]], flags: int = f.END_HEADERS) -> bytes:
        return f.frame(f.HEADERS, flags, stream, self._encoder.encode(list(fields), huffman=False))

    def whole(self, stream: int, *more: tuple[str, str]) -> bytes:
        return self.headers(stream, head("Unary", *more)) + f.data(stream, f.message(b"whole"), f.END_STREAM)


def is_end(frame: Frame, stream: int) -> bool:
    """Of a stream, by its own side's END_STREAM, by a reset, or with the connection."""
    if frame.kind == f.GOAWAY:
        return True
    is_last = frame.kind in (f.DATA, f.HEADERS) and bool(frame.flags & f.END_STREAM)
    return frame.stream == stream and (frame.kind == f.RST_STREAM or is_last)


def answers(peer: Peer, streams: Sequence[int]) -> dict[int, dict[str, str]]:
    """Every field that came on each of `streams`, all of which must end by themselves. Raises Unexpected."""
    seen: dict[int, dict[str, str]] = {stream: {} for stream in streams}
    waiting = set(streams)
    while waiting:
        frame = peer.until(lambda frame: frame.kind in (f.HEADERS, f.DATA, f.RST_STREAM, f.GOAWAY), "an answer")
        if frame.kind == f.HEADERS:
            decoded = peer.decoder.decode(frame.payload)
            seen.setdefault(frame.stream, {}).update({str(name): str(value) for name, value in decoded})
        if frame.kind == f.GOAWAY or (frame.kind == f.RST_STREAM and frame.stream in waiting):
            raise Unexpected(f"wanted answers on {sorted(waiting)}; came {frame}")
        if is_end(frame, frame.stream):
            waiting.discard(frame.stream)
    return seen


def expect_ok(peer: Peer, *streams: int) -> None:
    """grpc-status 0 on each."""
    statuses = {stream: fields.get("grpc-status") for stream, fields in answers(peer, streams).items()}
    wrong = {stream: status for stream, status in statuses.items() if stream in streams and status != "0"}
    if wrong:
        raise Unexpected(f"wanted grpc-status 0; came {wrong}")


def resets_of(peer: Peer, streams: Iterable[int], *codes: int) -> list[Frame]:
    """An RST_STREAM on each of the streams, in any order, with one of `codes` where some are given."""
    waiting, came = set(streams), list[Frame]()
    while waiting:
        frame = peer.until(lambda frame: frame.kind in (f.RST_STREAM, f.GOAWAY), f"RST_STREAM on {sorted(waiting)}")
        if frame.kind == f.GOAWAY or (codes and frame.code() not in codes):
            raise Unexpected(f"wanted RST_STREAM with a code in {codes} on {sorted(waiting)}; came {frame}")
        waiting.discard(frame.stream)
        came.append(frame)
    return came
