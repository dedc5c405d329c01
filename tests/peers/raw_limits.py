"""Calls and answers frame by frame, with the metadata that no stack sends to a peer that announced a limit."""

import contextlib
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.conformance import frames as f
from tests.conformance.peer import Peer
from tests.conformance.scripted_server import HEAD, Conversation, Script
from tests.peers.lists import FAILED_PRECONDITION, NAME, OWN
from tests.peers.proto import peers_pb2 as pb
from tests.streams.raw import ENDS, Fields, block

PATH = "/tulle.peers.v1.Peers/Unary"
PATIENCE = 20.0  # seconds


def fields(count: int, size: int) -> Fields:
    """As the contract's Field makes them."""
    return tuple((f"{NAME}-{number}", "v" * size) for number in range(count))


def details(size: int) -> Fields:
    """grpc-status-details-bin of so many encoded bytes."""
    return (("grpc-status-details-bin", "A" * size),)


def request(stream: int, authority: str, ask: pb.Ask, more: Fields = ()) -> bytes:
    """A whole unary call."""
    pseudo = ((":method", "POST"), (":scheme", "http"), (":path", PATH), (":authority", authority))
    head = (*pseudo, ("content-type", "application/grpc"), ("te", "trailers"), *more)
    return block(stream, head) + f.data(stream, f.message(ask.SerializeToString()), f.END_STREAM)


def statuses(peer: Peer, streams: Iterable[int]) -> dict[int, tuple[str, str]]:
    """By stream, the status and the text that it ended with; what never ended is missing."""
    waiting, came = set(streams), {}
    while waiting and (frame := peer.read(PATIENCE)) is not None:
        if frame.kind == f.HEADERS and frame.flags & f.END_STREAM:
            told = {str(name): str(value) for name, value in peer.decoder.decode(frame.payload)}
            came[frame.stream] = (told.get("grpc-status", ""), told.get("grpc-message", ""))
        elif frame.kind == f.HEADERS:
            peer.decoder.decode(frame.payload)
        elif frame.kind == f.RST_STREAM:
            came.setdefault(frame.stream, ("", f"reset with {frame.code()}"))
        waiting -= came.keys()
    return came


@dataclass
class Held:
    """Calls that wait at a scripted server until they are let go."""

    _all: list[tuple[Conversation, int]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def hold(self, conversation: Conversation, stream: int) -> None:
        with self._lock:
            self._all.append((conversation, stream))

    def count(self) -> int:
        with self._lock:
            return len(self._all)

    def release(self) -> None:
        """Those that are still there."""
        for conversation, stream in self._all:
            with contextlib.suppress(OSError, KeyError):  # its connection was closed meanwhile
                conversation.answer(stream)


def answering(head: Fields, trailers: Fields) -> Script:
    """A failure of the application's own, with more metadata than may be."""

    def answer(conversation: Conversation, stream: int) -> None:
        conversation.requests.pop(stream, None)
        ended = (("grpc-status", str(FAILED_PRECONDITION)), ("grpc-message", OWN), *trailers)
        conversation.send(block(stream, (*HEAD, *head)) + block(stream, ended, ENDS))

    return answer
