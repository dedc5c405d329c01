"""A client that writes for as long as it is let, and never reads."""

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.abuse.calls import Indexed, head
from tests.conformance import frames as f
from tests.conformance.peer import LIMIT, Peer

LITTLE = 4_096  # bytes of the attacker's receive buffer: what it does not read waits with the sidecar
A_WRITE = 1_000  # requests
OPEN, WHOLE = f.END_HEADERS, f.END_HEADERS | f.END_STREAM


@contextmanager
def deaf(address: str) -> Iterator[Peer]:
    host, _, port = address.rpartition(":")
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, LITTLE)
    sock.connect((host, int(port)))
    peer = Peer(sock)
    try:
        yield peer.greet()
    finally:
        peer.close()


def requests(flags: int, *change: tuple[str, str]) -> Callable[[int], bytes]:
    """Requests by their number, the same each; after the first a few bytes long."""
    calls, changed = Indexed(), dict(change)
    fields = [(name, changed.get(name, value)) for name, value in head("Bidi")]
    first, later = calls.headers(1, fields, flags), calls.headers(3, fields, flags)

    def request(number: int) -> bytes:
        return first if number == 0 else later[:5] + struct.pack(">I", 2 * number + 1) + later[9:]

    return request


def write(peer: Peer, request: Callable[[int], bytes], count: int) -> None:
    """So many, unless the other side closes or takes no more before."""
    peer.sock.settimeout(LIMIT)
    for first in range(0, count, A_WRITE):
        try:
            peer.sock.sendall(b"".join(request(number) for number in range(first, first + A_WRITE)))
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            return
