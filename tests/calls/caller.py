"""A caller frame by frame whose connection is read all the while, so that many calls may be under way at once."""

import threading
import time
import urllib.parse
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tests.conformance import frames as f
from tests.conformance.peer import Frame, Peer
from tests.streams.raw import block

PATH = "/raw.v1.Raw/Call"
PATIENCE = 15.0  # seconds
QUIET = 600.0
Fields = tuple[tuple[str, str], ...]


@dataclass
class Answer:
    """What has come on a stream so far."""

    heads: list[Fields] = field(default_factory=list)
    body: bytes = b""
    reset: int | None = None
    ended_at: float | None = None
    lost: str | None = None

    @property
    def fields(self) -> dict[str, str]:
        return {name: value for head in self.heads for name, value in head}

    @property
    def status(self) -> str | None:
        """`grpc-status`; without one `reset` and its code, or what became of the connection; None meanwhile."""
        if "grpc-status" in self.fields:
            return self.fields["grpc-status"]
        return self.lost if self.reset is None else f"reset {self.reset}"

    @property
    def text(self) -> str:
        return urllib.parse.unquote(self.fields.get("grpc-message", ""))

    @property
    def reason(self) -> str | None:
        return self.fields.get("tulle-reason")

    def told(self) -> str:
        """All of it in a line, for a test that fails."""
        return f"status {self.status}, {self.reason}, {self.text!r}"


class Caller:
    """One connection. `goaway` is the last one that came; `closed` is set once the other side has gone."""

    def __init__(self, to: str | Peer, authority: str, *settings: tuple[int, int], reads: bool = True) -> None:
        self.authority, self.peer = authority, to if isinstance(to, Peer) else Peer.connect(to)
        self.answers: dict[int, Answer] = {}
        self.goaway: Frame | None = None
        self.closed = threading.Event()
        self._gives_back, self._reading = reads, threading.Event()
        self._reading.set()
        self._next, self._changed, self._sending = 1, threading.Condition(), threading.RLock()
        self._blocks: dict[int, bytes] = {}
        self.send(f.PREFACE + f.settings(*settings))
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self.resume()
        self.peer.stop()
        self._thread.join()
        self.peer.close()

    def send(self, *parts: bytes) -> None:
        with self._sending:
            self.peer.send(*parts)

    def pause(self) -> None:
        """Read no further than the frame that is being waited for."""
        self._reading.clear()

    def resume(self) -> None:
        self._reading.set()

    def stream(self) -> int:
        """The next free stream, expected to be answered."""
        stream, self._next = self._next, self._next + 2
        self.answers[stream] = Answer()
        return stream

    def head(self, *more: tuple[str, str], path: str = PATH, authority: str | None = None) -> Fields:
        """A gRPC request's fields."""
        pseudo = (":method", "POST"), (":scheme", "http"), (":path", path), (":authority", authority or self.authority)
        return (*pseudo, ("content-type", "application/grpc"), ("te", "trailers"), *more)

    def begin(
        self, *more: tuple[str, str], path: str = PATH, authority: str | None = None, message: bytes | None = b"small"
    ) -> int:
        """Send a whole call; without a message it stays open. Its stream."""
        with self._sending:  # streams must begin in their order (RFC 9113 §5.1.1)
            stream = self.stream()
            body = b"" if message is None else f.data(stream, f.message(message), f.END_STREAM)
            self.send(block(stream, self.head(*more, path=path, authority=authority)) + body)
        return stream

    def call(
        self, *more: tuple[str, str], path: str = PATH, authority: str | None = None, limit: float = PATIENCE
    ) -> Answer:
        """A whole call and its answer."""
        return self.answer(self.begin(*more, path=path, authority=authority), limit)

    def case(self, case: str, *more: tuple[str, str], limit: float = PATIENCE) -> Answer:
        """A call of one of the application's scripts."""
        return self.call(("x-case", case), *more, limit=limit)

    def cancel(self, stream: int) -> None:
        self.send(f.rst_stream(stream, f.CANCEL))

    def answer(self, stream: int, limit: float = PATIENCE) -> Answer:
        """Wait for the end of a stream, or of the connection."""
        answer = self.answers[stream]
        with self._changed:
            is_over = self._changed.wait_for(lambda: answer.ended_at is not None or self.closed.is_set(), limit)
        assert is_over, f"stream {stream} did not end within {limit:g} s: {answer.told()}"
        return answer

    def begins(self, stream: int, limit: float = PATIENCE) -> Answer:
        """Wait for the first bytes of the answer's body."""
        answer = self.answers[stream]
        with self._changed:
            self._changed.wait_for(lambda: bool(answer.body) or answer.ended_at is not None, limit)
        return answer

    def _read(self) -> None:
        try:
            while self._reading.wait() and (frame := self.peer.read(QUIET)) is not None:
                with self._changed:
                    self._take(frame)
                    self._changed.notify_all()
        except OSError:
            pass
        finally:
            with self._changed:
                self._lose()
                self._changed.notify_all()

    def _lose(self) -> None:
        self.closed.set()
        for answer in self.answers.values():
            if answer.ended_at is None:
                answer.lost = "connection lost" + (f" after GOAWAY {self.goaway.code()}" if self.goaway else "")

    def _take(self, frame: Frame) -> None:
        match frame.kind:
            case f.SETTINGS if not frame.flags & f.ACK:
                self.send(f.frame(f.SETTINGS, f.ACK, 0))
            case f.PING if not frame.flags & f.ACK:
                self.send(f.ping(frame.payload, f.ACK))
            case f.GOAWAY:
                self.goaway = frame
            case f.HEADERS | f.CONTINUATION:
                self._take_block(frame)
            case f.DATA if frame.payload:
                self._answer_of(frame).body += frame.payload
                if self._gives_back:
                    size = len(frame.payload)
                    self.send(f.window_update(0, size), f.window_update(frame.stream, size))
            case f.RST_STREAM:
                self._answer_of(frame).reset = frame.code()
                self._end(frame)
        if frame.kind in (f.DATA, f.HEADERS) and frame.flags & f.END_STREAM:
            self._end(frame)

    def _take_block(self, frame: Frame) -> None:
        encoded = self._blocks.pop(frame.stream, b"") + frame.payload
        if not frame.flags & f.END_HEADERS:
            self._blocks[frame.stream] = encoded
            return
        decoded = self.peer.decoder.decode(encoded, raw=True)
        pairs = tuple((bytes(name).decode("latin-1"), bytes(value).decode("latin-1")) for name, value in decoded)
        self._answer_of(frame).heads.append(pairs)

    def _answer_of(self, frame: Frame) -> Answer:
        return self.answers.setdefault(frame.stream, Answer())

    def _end(self, frame: Frame) -> None:
        answer = self._answer_of(frame)
        answer.ended_at = answer.ended_at or time.monotonic()
