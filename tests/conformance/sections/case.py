"""A case: what is sent on a fresh, greeted connection, and the reaction that the RFC's section demands."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.conformance import frames
from tests.conformance.peer import Frame, Peer, Unexpected

Script = Callable[[Peer], None]
PATH = "/echo.v1.Echo/Bidi"
REQUEST = (
    (":method", "POST"),
    (":scheme", "http"),
    (":path", PATH),
    (":authority", "127.0.0.1"),
    ("content-type", "application/grpc"),
    ("te", "trailers"),
)
OPEN = frames.headers(1, REQUEST)
WHOLE = frames.headers(1, REQUEST, frames.END_HEADERS | frames.END_STREAM)


@dataclass(frozen=True)
class Case:
    """`script` gets a connection; it is greeted already unless `is_greeted` is False. It raises Unexpected."""

    section: str
    title: str
    script: Script
    is_greeted: bool = True

    def __str__(self) -> str:
        return f"{self.section} {self.title}"


def connection_error(section: str, title: str, sent: bytes, *codes: int) -> Case:
    """The connection must end with a GOAWAY of one of `codes` and then be closed (RFC 9113 §5.4.1)."""

    def script(peer: Peer) -> None:
        peer.send(sent)
        expect_goaway(peer, *codes)

    return Case(section, title, script)


def stream_error(section: str, title: str, sent: bytes, *codes: int, stream: int = 1) -> Case:
    """That stream alone must be reset with one of `codes`; the connection must serve on (RFC 9113 §5.4.2)."""

    def script(peer: Peer) -> None:
        peer.send(sent)
        frame = peer.until(_ends(stream), f"RST_STREAM of stream {stream} with a code in {codes}")
        if frame.kind != frames.RST_STREAM or frame.code() not in codes:
            raise Unexpected(f"wanted RST_STREAM with a code in {codes}; came {frame}")
        expect_pong(peer)

    return Case(section, title, script)


def tolerated(section: str, title: str, sent: bytes) -> Case:
    """It must change nothing: a later call on the connection is answered in full."""

    def script(peer: Peer) -> None:
        peer.send(sent)
        expect_call(peer)

    return Case(section, title, script)


def answered(section: str, title: str, sent: bytes, stream: int = 1) -> Case:
    """What was sent is a call as good as any: it ends in grpc-status 0."""

    def script(peer: Peer) -> None:
        peer.send(sent)
        expect_end(peer, stream)

    return Case(section, title, script)


def expect_goaway(peer: Peer, *codes: int) -> None:
    """A GOAWAY with one of `codes`, then the end of the connection."""
    frame = peer.until(lambda frame: frame.kind == frames.GOAWAY, f"GOAWAY with a code in {codes}")
    if frame.code() not in codes:
        raise Unexpected(f"wanted GOAWAY with a code in {codes}; came {frame}")
    expect_close(peer)


def expect_close(peer: Peer) -> None:
    try:
        while peer.read() is not None:
            pass
    except TimeoutError:
        raise Unexpected(f"wanted the end of the connection; it stays open after {peer.told()}") from None


def expect_pong(peer: Peer, payload: bytes = b"conforms") -> None:
    """A PING is answered with its own bytes: the connection lives, and all before has been handled."""
    peer.send(frames.ping(payload))

    def is_pong(frame: Frame) -> bool:
        return frame.kind == frames.PING and bool(frame.flags & frames.ACK) and frame.payload == payload

    peer.until(is_pong, "PING ACK")


def expect_call(peer: Peer, stream: int = 101) -> None:
    """A whole call on a stream of its own."""
    peer.send(frames.headers(stream, REQUEST), frames.data(stream, frames.message(b"after"), frames.END_STREAM))
    expect_end(peer, stream)


def expect_end(peer: Peer, stream: int) -> None:
    """The stream ends with grpc-status 0 in its trailers; every header block until then is decoded."""
    status = ""
    while True:
        frame = peer.until(
            lambda frame: frame.kind in (frames.HEADERS, frames.GOAWAY) or _ends(stream)(frame), "trailers"
        )
        if frame.kind == frames.HEADERS:
            fields = {str(name): str(value) for name, value in peer.decoder.decode(frame.payload)}
            status = fields.get("grpc-status", status) if frame.stream == stream else status
        if frame.kind in (frames.GOAWAY, frames.RST_STREAM):
            raise Unexpected(f"wanted an answer on stream {stream}; came {frame}")
        if frame.stream == stream and frame.flags & frames.END_STREAM:
            break
    if status != "0":
        raise Unexpected(f"wanted grpc-status 0 on stream {stream}; came {status!r}")


def _ends(stream: int) -> Callable[[Frame], bool]:
    def ends(frame: Frame) -> bool:
        if frame.kind == frames.GOAWAY:
            return True
        is_last = frame.kind in (frames.DATA, frames.HEADERS) and bool(frame.flags & frames.END_STREAM)
        return frame.stream == stream and (frame.kind == frames.RST_STREAM or is_last)

    return ends
