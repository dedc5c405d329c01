"""What gRPC's own clients would not show: calls sent and read frame by frame through the pair."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from tests.conformance import frames as f
from tests.conformance.peer import Peer, Unexpected
from tests.conformance.result import Result
from tests.conformance.scripted_server import Conversation, Script
from tests.conformance.sections.case import REQUEST
from tests.conformance.upstream_cases import whole

PAGE = b"a page"
PAGE_HEAD = ((":status", "200"), ("content-type", "text/html"), ("content-length", str(len(PAGE))))


@dataclass(frozen=True)
class FrameCase:
    """A call without a body; `wanted` is its answer in words: a status, a size, or "trailers"."""

    section: str
    title: str
    method: str
    script: Script
    wanted: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.section} {self.title}"

    def run(self, part: str, address: str) -> Result:
        """By the application-facing port at `address`."""
        begun, peer, reason = time.monotonic(), Peer.connect(address), ""
        fields = ((":method", self.method), *REQUEST[1:], ("x-case", str(self)))
        try:
            peer.greet().send(f.headers(1, fields, f.END_HEADERS | f.END_STREAM))
            came = tuple(_answer(peer))
            reason = "" if came == self.wanted else f"wanted {self.wanted}; came {came}"
        except Unexpected as error:
            reason = str(error)
        finally:
            peer.close()
        return Result(part, str(self), reason, time.monotonic() - begun)


def cases() -> tuple[FrameCase, ...]:
    """RFC 9110 §9.3 and §15.2: an intermediary serves more than gRPC, and passes interim responses on."""
    return (
        FrameCase("8.1", "an interim response goes on", "POST", interim, ("103", "200", "10 bytes", "trailers")),
        FrameCase("8.1", "a GET is answered with a page", "GET", page, ("200", "6 bytes")),
        FrameCase("8.1", "a HEAD is answered without one", "HEAD", head, ("200",)),
    )


def interim(conversation: Conversation, stream: int) -> None:
    """RFC 9113 §8.1: an answer may be preceded by others whose status is 1xx."""
    conversation.send(f.headers(stream, ((":status", "103"), ("link", "</x>"))), whole(stream))


def page(conversation: Conversation, stream: int) -> None:
    conversation.send(f.headers(stream, PAGE_HEAD), f.data(stream, PAGE, f.END_STREAM))


def head(conversation: Conversation, stream: int) -> None:
    """A length, and nothing of that length (RFC 9110 §9.3.2)."""
    conversation.send(f.headers(stream, PAGE_HEAD, f.END_HEADERS | f.END_STREAM))


def _answer(peer: Peer) -> Iterator[str]:
    """Until the stream's end."""
    while True:
        frame = peer.until(lambda frame: frame.stream == 1 or frame.kind == f.GOAWAY, "the answer")
        if frame.kind == f.HEADERS:
            fields = {str(name): str(value) for name, value in peer.decoder.decode(frame.payload)}
            yield fields.get(":status", "trailers")
        elif frame.kind == f.DATA and frame.payload:
            yield f"{len(frame.payload)} bytes"
        elif frame.kind in (f.RST_STREAM, f.GOAWAY):
            raise Unexpected(f"wanted an answer; came {frame}")
        if frame.flags & f.END_STREAM and frame.kind in (f.HEADERS, f.DATA):
            return
