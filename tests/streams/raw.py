"""Both ends of a call frame by frame: a server that answers with any field, and a client that reads any."""

from dataclasses import dataclass

import grpc

from tests.conformance import frames as f
from tests.conformance.lane import upstream_address
from tests.conformance.peer import Peer
from tests.conformance.scripted_server import HEAD, Conversation, Script, ScriptedServer
from tests.streams.pair import channel
from tests.support.mesh import Member

ENDS = f.END_HEADERS | f.END_STREAM
PIECE = 16_384  # bytes of a header block that a frame may hold
Fields = tuple[tuple[str, str], ...]
NAME = "raw"
PATH = "/raw.v1.Raw/Call"


@dataclass(frozen=True)
class Raw:
    """A scripted server behind a sidecar, and a caller with a port of its own for it; a test adds its scripts."""

    scripts: dict[str, Script]
    server: ScriptedServer
    callee: Member
    caller: Member

    def channel(self) -> grpc.Channel:
        return channel(str(self.caller.addresses["outbound"]), NAME)

    def direct(self) -> grpc.Channel:
        return channel(f"127.0.0.1:{self.server.port}", NAME)

    def peer(self) -> Peer:
        return Peer.connect(upstream_address(self.caller, NAME)).greet()

    def the_conversation(self, case: str) -> Conversation:
        """The one connection on which this case's calls came."""
        found = self.server.of_case(case)
        assert len(found) == 1, f"{case}: {len(found)} connections"
        return found[0]


def answering(head: Fields, trailers: Fields | None = None, message: bytes | None = b"small") -> Script:
    """A script: head, message, trailers; without trailers the head ends the stream."""

    def answer(conversation: Conversation, stream: int) -> None:
        conversation.requests.pop(stream, None)
        if trailers is None:
            conversation.send(block(stream, (*HEAD, *head), ENDS))
            return
        body = b"" if message is None else f.data(stream, f.message(message))
        conversation.send(block(stream, (*HEAD, *head)) + body + block(stream, trailers, ENDS))

    return answer


def block(stream: int, fields: Fields, flags: int = f.END_HEADERS) -> bytes:
    """A header block in as many frames as it needs (RFC 9113 §4.3)."""
    encoded = f.block(fields)
    pieces = [encoded[at : at + PIECE] for at in range(0, len(encoded), PIECE)]
    last = len(pieces) - 1
    return b"".join(
        f.frame(
            f.CONTINUATION if number else f.HEADERS,
            (0 if number else flags & ~f.END_HEADERS) | (f.END_HEADERS if number == last else 0),
            stream,
            piece,
        )
        for number, piece in enumerate(pieces)
    )


def request(stream: int, case: str) -> bytes:
    """A whole call that names its case."""
    pseudo = ((":method", "POST"), (":scheme", "http"), (":path", PATH), (":authority", "raw.test"))
    fields = (*pseudo, ("content-type", "application/grpc"), ("te", "trailers"), ("x-case", case))
    return f.headers(stream, fields) + f.data(stream, f.message(b"small"), f.END_STREAM)


def fields_of(peer: Peer, stream: int) -> dict[str, str]:
    """Every field of the answer on a stream; `:reset` is the code where it was reset."""
    found: dict[str, str] = {}
    while True:
        frame = peer.until(lambda frame: frame.stream == stream, f"the answer on stream {stream}")
        if frame.kind == f.HEADERS:
            decoded = peer.decoder.decode(frame.payload, raw=True)
            found |= {bytes(name).decode("latin-1"): bytes(value).decode("latin-1") for name, value in decoded}
        if frame.kind == f.RST_STREAM:
            return found | {":reset": str(frame.code())}
        if frame.flags & f.END_STREAM:
            return found
