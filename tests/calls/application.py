"""An application frame by frame that remembers every call: its fields, when it came, when it was given up."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from typing_extensions import override

from tests.conformance import frames as f
from tests.conformance.peer import Frame
from tests.conformance.scripted_server import HEAD, HEALTH, Conversation, Request, Script, ScriptedServer
from tests.streams.raw import PIECE, block

ENDS = f.END_HEADERS | f.END_STREAM
Fields = tuple[tuple[str, str], ...]


@dataclass
class Arrived:
    """A call as it reached the application."""

    conversation: Conversation = field(repr=False)
    stream: int
    fields: Fields
    at: float = field(default_factory=time.monotonic)
    reset_at: float | None = None
    reset_code: int | None = None

    @property
    def path(self) -> str:
        return dict(self.fields)[":path"]

    def value(self, name: str) -> str | None:
        """The last value of that name."""
        return dict(self.fields).get(name)


class Application(ScriptedServer):
    """Healthy at once (it implements no health service). A test adds its scripts by name, a call names one by `x-case`;
    without a name its message comes back."""

    def __init__(self, scripts: Mapping[str, Script] | None = None, *settings: tuple[int, int]) -> None:
        self.scripts: dict[str, Script] = dict(scripts or {})
        self.calls: list[Arrived] = []
        self._at: dict[tuple[int, int], Arrived] = {}
        self._later: list[threading.Timer] = []
        self._reading = threading.Event()
        self._reading.set()
        super().__init__(self.scripts, *settings)

    def of(self, case: str) -> list[Arrived]:
        """The calls that named this case, in their order."""
        return [call for call in list(self.calls) if call.value("x-case") == case]

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Do it later, in a thread of its own."""
        timer = threading.Timer(seconds, act)
        self._later.append(timer)
        timer.start()

    def pause(self) -> None:
        """Read no further, on any connection."""
        self._reading.clear()

    def resume(self) -> None:
        self._reading.set()

    def read_little(self) -> None:
        """Connections from now on hold next to nothing that has not been read, and there are no others."""
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for conversation in self.conversations:
            conversation.peer.stop()

    def answer_after(self, seconds: float) -> Script:
        """A script: the message comes back later, unless the call was given up meanwhile."""

        def answer(conversation: Conversation, stream: int) -> None:
            with contextlib.suppress(KeyError, OSError):
                conversation.answer(stream)

        return lambda conversation, stream: self.after(seconds, lambda: answer(conversation, stream))

    @override
    def close(self) -> None:
        self.resume()
        for timer in self._later:
            timer.cancel()
            timer.join()
        super().close()

    @override
    def _begin(self, conversation: Conversation, frame: Frame) -> None:
        decoded = conversation.peer.decoder.decode(frame.payload, raw=True)
        fields = tuple((bytes(name).decode("latin-1"), bytes(value).decode("latin-1")) for name, value in decoded)
        named = dict(fields)
        conversation.requests[frame.stream] = Request(named[":path"], named.get("x-case"))
        if not named[":path"].startswith(HEALTH):
            arrived = Arrived(conversation, frame.stream, fields)
            self._at[id(conversation), frame.stream] = arrived
            self.calls.append(arrived)

    @override
    def _take(self, conversation: Conversation, frame: Frame) -> None:
        if frame.kind == f.RST_STREAM and (call := self._at.get((id(conversation), frame.stream))):
            call.reset_at, call.reset_code = time.monotonic(), frame.code()
        super()._take(conversation, frame)
        self._reading.wait()


def alone(*fields: tuple[str, str]) -> Script:
    """Trailers alone, in one block."""

    def send(conversation: Conversation, stream: int) -> None:
        conversation.requests.pop(stream, None)
        conversation.send(block(stream, (*HEAD, *fields), ENDS))

    return send


def status(code: int, *more: tuple[str, str]) -> Script:
    """A status alone."""
    return alone(("grpc-status", str(code)), *more)


def answer(
    *, head: Fields = (), message: bytes | None = b"small", trailers: Fields = (("grpc-status", "0"),)
) -> Script:
    """Head, message and trailers in one write, of any size."""

    def send(conversation: Conversation, stream: int) -> None:
        conversation.requests.pop(stream, None)
        conversation.send(whole_answer(stream, head, message, trailers))

    return send


def whole_answer(stream: int, head: Fields, message: bytes | None, trailers: Fields) -> bytes:
    """Every frame of it."""
    body = b"" if message is None else f.message(message)
    pieces = [f.data(stream, body[at : at + PIECE]) for at in range(0, len(body), PIECE)]
    return block(stream, (*HEAD, *head)) + b"".join(pieces) + block(stream, trailers, ENDS)


def silence(conversation: Conversation, stream: int) -> None:
    """Never answers."""
