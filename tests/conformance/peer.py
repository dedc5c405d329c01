"""A client that sends whatever bytes it is told to and reads frame by frame what comes back."""

import contextlib
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from hpack import Decoder

from tests.conformance import frames

LIMIT = 5.0  # seconds to wait for what must come


class Unexpected(Exception):
    """The other side did something else; the text says what was wanted and what came."""


@dataclass(frozen=True)
class Frame:
    """One frame as it came."""

    kind: int
    flags: int
    stream: int
    payload: bytes

    def code(self) -> int:
        """The error code of an RST_STREAM or a GOAWAY."""
        return int.from_bytes(self.payload[:4] if self.kind == frames.RST_STREAM else self.payload[4:8])

    def __str__(self) -> str:
        code = f", code {self.code()}" if self.kind in (frames.RST_STREAM, frames.GOAWAY) else ""
        return f"frame {self.kind} of stream {self.stream}, flags {self.flags:#x}, {len(self.payload)} bytes{code}"


@dataclass
class Peer:
    """One connection. `read` gives frames in order; None once the other side has closed."""

    sock: socket.socket
    seen: list[Frame] = field(default_factory=list)
    decoder: Decoder = field(default_factory=Decoder)
    _buffer: bytes = b""

    @classmethod
    def connect(cls, address: str) -> "Peer":
        host, _, port = address.rpartition(":")
        sock = socket.create_connection((host, int(port)), timeout=LIMIT)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return cls(sock)

    def greet(self, *values: tuple[int, int]) -> "Peer":
        """Preface and SETTINGS both ways, both acknowledged."""
        self.send(frames.PREFACE + frames.settings(*values))
        self.until(lambda frame: frame.kind == frames.SETTINGS and not frame.flags & frames.ACK, "SETTINGS")
        self.send(frames.frame(frames.SETTINGS, frames.ACK, 0))
        self.until(lambda frame: frame.kind == frames.SETTINGS and bool(frame.flags & frames.ACK), "SETTINGS ACK")
        return self

    def send(self, *parts: bytes) -> None:
        """Send, whether or not the other side still listens: what it did comes out in reading."""
        try:
            self.sock.sendall(b"".join(parts))
        except (BrokenPipeError, ConnectionResetError):
            return

    def read(self, limit: float = LIMIT) -> Frame | None:
        """The next frame. Raises TimeoutError after `limit` seconds of silence."""
        if not self._fill(9, limit):
            return None
        length, kind, flags, stream = int.from_bytes(self._buffer[:3]), *struct.unpack(">BBI", self._buffer[3:9])
        if not self._fill(9 + length, limit):
            return None
        payload, self._buffer = self._buffer[9 : 9 + length], self._buffer[9 + length :]
        frame = Frame(kind, flags, stream & 0x7FFFFFFF, payload)
        self.seen.append(frame)
        return frame

    def read_exactly(self, size: int, limit: float = LIMIT) -> bytes:
        """`size` bytes that are no frame; fewer where the other side closed."""
        self._fill(size, limit)
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken

    def until(self, wanted: Callable[[Frame], bool], what: str) -> Frame:
        """The first frame that is wanted. Raises Unexpected when the connection closes or stays silent before."""
        deadline = time.monotonic() + LIMIT
        while (left := deadline - time.monotonic()) > 0:
            try:
                frame = self.read(left)
            except TimeoutError:
                break
            if frame is None:
                raise Unexpected(f"wanted {what}; the connection was closed after {self.told()}")
            if wanted(frame):
                return frame
        raise Unexpected(f"wanted {what}; in {LIMIT:g} s came {self.told()}")

    def told(self) -> str:
        """The last frames, in words."""
        return "; ".join(str(frame) for frame in self.seen[-4:]) or "nothing"

    def stop(self) -> None:
        """End the connection, also under a thread that reads it."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.sock.close()

    def _fill(self, size: int, limit: float) -> bool:
        self.sock.settimeout(max(limit, 0.001))
        while len(self._buffer) < size:
            try:
                more = self.sock.recv(65_536)
            except ConnectionResetError:
                return False
            if not more:
                return False
            self._buffer += more
        return True
