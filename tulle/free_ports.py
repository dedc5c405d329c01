"""Loopback ports that nobody holds at the moment."""

import socket
from contextlib import ExitStack

from tulle.errors import NotStarted

TRIES = 50


def free_ports(count: int) -> list[int]:
    """`count` different ports: all are held until the last is found, then let go."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for held in sockets:
            held.bind(("127.0.0.1", 0))
        return [int(held.getsockname()[1]) for held in sockets]


def first_free(wanted: int) -> int:
    """`wanted`, or the next port above that can be bound. Raises NotStarted where none of the next 50 can."""
    for port in range(wanted, min(wanted + TRIES, 65536)):
        if can_bind(port):
            return port
    raise NotStarted(f"no free port from {wanted} on", "name one with --port, 0 for any free one")


def can_bind(port: int) -> bool:
    """Whether a listener on 127.0.0.1 can have `port` now; 0 always."""
    with socket.socket() as probe:
        # As servers bind: connections of a previous run that are still closing are no hindrance.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
