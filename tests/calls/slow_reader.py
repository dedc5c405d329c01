"""A reader whose windows are wide and whose socket is narrow: what waits for it waits in the sidecar."""

import socket
import time

from tests.calls.caller import PATH
from tests.conformance import frames as f
from tests.conformance.peer import Peer

PIECE = 8 << 10  # bytes that it takes at a time
PER_SECOND = 128 << 10


class SlowReader:
    """Calls `x-case: long` at once. `body` counts its DATA; `is_whole` once the trailers came."""

    def __init__(self, address: str, authority: str, *, per_second: int = PER_SECOND, window: int = 1 << 20) -> None:
        self._pause = PIECE / per_second
        host, _, port = address.rpartition(":")
        plain = socket.socket()
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 10)
        plain.connect((host, int(port)))
        self.peer = Peer(plain).greet((f.INITIAL_WINDOW_SIZE, window))
        self.body, self.is_whole, self._unread = 0, False, b""
        pseudo = ((":method", "POST"), (":scheme", "http"), (":path", PATH), (":authority", authority))
        fields = (*pseudo, ("content-type", "application/grpc"), ("te", "trailers"), ("x-case", "long"))
        ask = f.headers(1, fields) + f.data(1, f.message(b"?"), f.END_STREAM)
        self.peer.send(f.window_update(0, window) + ask)

    def read_for(self, seconds: float) -> None:
        """At its pace, until the answer is whole or the connection ends."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.is_whole:
            piece = self.peer.sock.recv(PIECE)
            if not piece:
                return
            self._take(piece)
            time.sleep(self._pause)

    def _take(self, piece: bytes) -> None:
        self._unread += piece
        while len(self._unread) >= 9 and len(self._unread) >= (size := 9 + int.from_bytes(self._unread[:3])):
            kind, flags = self._unread[3], self._unread[4]
            self.body += size - 9 if kind == f.DATA else 0
            self.is_whole |= kind == f.HEADERS and bool(flags & f.END_STREAM)
            self._unread = self._unread[size:]
