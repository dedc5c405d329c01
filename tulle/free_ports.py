"""Loopback ports that nobody holds at the moment."""

import random
import socket
from itertools import islice
from pathlib import Path
from typing import Final

from tulle.errors import NotStarted

TRIES = 50
FIRST: Final = 10_000
HANDED_OUT: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
HANDED_OUT_FROM: Final = 32_768  # Linux' default


def free_ports(count: int) -> list[int]:
    """`count` different ports, below those that the system hands out itself: they are bound by others and later, and
    must not be somebody's connection by then. Raises NotStarted where there are not so many."""
    below = range(FIRST, max(handed_out_from(), FIRST + 1_000))
    found = list(islice(filter(can_bind, random.sample(below, len(below))), count))
    if len(found) < count:
        raise NotStarted(f"no {count} free ports from {below.start} to {below.stop - 1}", "end what holds them")
    return found


def handed_out_from() -> int:
    """The first port that the system gives to whoever asks for any."""
    try:
        return int(HANDED_OUT.read_text().split()[0])
    except OSError:
        return HANDED_OUT_FROM


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
