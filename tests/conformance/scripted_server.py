"""A gRPC server, frame by frame, that does to a call what a script says: whatever a codec would never write.

A call names its script in the metadata `x-case`; without one its message comes back and its status is OK.
"""

import contextlib
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.conformance import frames as f
from tests.conformance.peer import Frame, Peer

HEALTH = "/grpc.health.v1.Health/"
IDLE_LIMIT = 120.0  # seconds; a connection of the sidecar's may stay silent for long
HEAD = ((":status", "200"), ("content-type", "application/grpc"))
TRAILERS = (("grpc-status", "0"),)
UNIMPLEMENTED = (*HEAD, ("grpc-status", "12"))


@dataclass
class Request:
    """A call as it has come so far."""

    path: str
    case: str | None
    body: bytes = b""


@dataclass
class Conversation:
    """One accepted connection.

    `cases` is its history; `overruns` counts calls over our stream limit once that was acknowledged; `pongs` are
    called in turn as PINGs are acknowledged.
    """

    peer: Peer
    requests: dict[int, Request] = field(default_factory=dict)
    cases: list[str] = field(default_factory=list)
    is_acknowledged: bool = False
    overruns: int = 0
    pongs: list[Callable[[], None]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def send(self, *parts: bytes) -> None:
        self.peer.send(*parts)

    def answer(self, stream: int) -> None:
        """The call's own bytes back, status OK."""
        body = self.requests.pop(stream).body
        self.send(
            f.headers(stream, HEAD), f.data(stream, body), f.headers(stream, TRAILERS, f.END_HEADERS | f.END_STREAM)
        )

    def told(self, kind: int) -> list[Frame]:
        """The frames of a kind that have come."""
        return [frame for frame in list(self.peer.seen) if frame.kind == kind]

    def answer_after_a_round_trip(self, stream: int) -> None:
        """The caller has the time of a PING to do more than it may."""
        self.pongs.append(lambda: self.answer(stream))
        self.send(f.ping(b"one trip"))


Script = Callable[[Conversation, int], None]


class ScriptedServer:
    """Listens on a free port until closed; a thread a connection."""

    def __init__(self, scripts: Mapping[str, Script], *values: tuple[int, int]) -> None:
        self._scripts, self._settings = scripts, values
        self._most_streams = dict(values).get(f.MAX_CONCURRENT_STREAMS)
        self.conversations: list[Conversation] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def of_case(self, case: str) -> list[Conversation]:
        """The connections on which this case's calls came."""
        return [one for one in list(self.conversations) if case in one.cases]

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for conversation in list(self.conversations):
            with contextlib.suppress(OSError):
                conversation.peer.sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            conversation = Conversation(Peer(sock))
            self.conversations.append(conversation)
            thread = threading.Thread(target=self._converse, args=(conversation,))
            self._threads.append(thread)
            thread.start()

    def _converse(self, conversation: Conversation) -> None:
        peer = conversation.peer
        try:
            if peer.read_exactly(len(f.PREFACE), IDLE_LIMIT) != f.PREFACE:
                return
            peer.send(f.settings(*self._settings))
            while (frame := peer.read(IDLE_LIMIT)) is not None:
                self._take(conversation, frame)
        except (TimeoutError, OSError):
            return
        finally:
            conversation.ended.set()
            peer.close()

    def _take(self, conversation: Conversation, frame: Frame) -> None:
        match frame.kind:
            case f.SETTINGS if not frame.flags & f.ACK:
                conversation.send(f.frame(f.SETTINGS, f.ACK, 0))
            case f.SETTINGS:
                conversation.is_acknowledged = True
            case f.PING if frame.flags & f.ACK:
                if conversation.pongs:
                    conversation.pongs.pop(0)()
            case f.PING:
                conversation.send(f.ping(frame.payload, f.ACK))
            case f.HEADERS:
                self._begin(conversation, frame)
            case f.DATA if frame.stream in conversation.requests:
                conversation.requests[frame.stream].body += frame.payload
                if frame.payload:
                    size = len(frame.payload)
                    conversation.send(f.window_update(0, size), f.window_update(frame.stream, size))
            case f.RST_STREAM:
                conversation.requests.pop(frame.stream, None)
        is_end = frame.kind in (f.HEADERS, f.DATA) and frame.flags & f.END_STREAM
        if is_end and frame.stream in conversation.requests:
            self._answer(conversation, frame.stream)

    def _begin(self, conversation: Conversation, frame: Frame) -> None:
        fields = {str(name): str(value) for name, value in conversation.peer.decoder.decode(frame.payload)}
        conversation.requests[frame.stream] = Request(fields[":path"], fields.get("x-case"))
        if self._most_streams is not None and len(conversation.requests) > self._most_streams:
            # Before it has seen our SETTINGS a client may assume more (RFC 9113 §6.5.2); it is refused, and may repeat.
            conversation.overruns += conversation.is_acknowledged
            conversation.requests.pop(frame.stream)
            conversation.send(f.rst_stream(frame.stream, f.REFUSED_STREAM))

    def _answer(self, conversation: Conversation, stream: int) -> None:
        request = conversation.requests[stream]
        if request.path.startswith(HEALTH):
            conversation.requests.pop(stream)
            conversation.send(f.headers(stream, UNIMPLEMENTED, f.END_HEADERS | f.END_STREAM))
        elif request.case is not None:
            conversation.cases.append(request.case)
            self._scripts[request.case](conversation, stream)
        else:
            conversation.answer(stream)
