"""Where the application may listen, and which of these places takes a connection.

"localhost" is 127.0.0.1 and ::1, whatever this machine's resolver makes of it: servers bind the one or the other.
"""

import asyncio
import socket
from collections.abc import Sequence
from contextlib import suppress

from sidecar.address import LOOPBACK_NAME, HostPort, is_ip

_LOOPBACK = ("127.0.0.1", "::1")


def may_listen(address: HostPort) -> list[HostPort]:
    """Both loopback addresses of "localhost"; any other host as it is, a name for who resolves it."""
    if address.host == LOOPBACK_NAME:
        return [HostPort(host, address.port) for host in _LOOPBACK]
    return [address]


async def places_of(address: HostPort) -> list[HostPort]:
    """IP addresses, IPv4 first; none where the name has none."""
    if is_ip(address.host) or address.host == LOOPBACK_NAME:
        return may_listen(address)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except OSError:
        return []
    hosts = dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found)
    return [HostPort(host, address.port) for host in sorted(hosts, key=lambda host: ":" in host)]


async def first_accepting(places: Sequence[HostPort], timeout_seconds: float) -> HostPort | None:
    """The first in order that takes a connection."""
    for place in places:
        if await accepts(place, timeout_seconds):
            return place
    return None


async def accepts(place: HostPort, timeout_seconds: float) -> bool:
    """Whether a connection is taken there within `timeout_seconds`."""
    try:
        async with asyncio.timeout(timeout_seconds):
            _, writer = await asyncio.open_connection(place.host, place.port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True


async def why_nobody(address: HostPort, places: Sequence[HostPort], timeout_seconds: float) -> str:
    """Where none of `places` takes a connection: which they are, and where else the application is."""
    if not places:
        return f"{address.host} has no address; correct --application"
    nothing = f"nothing listens on {' or '.join(str(place) for place in places)}"
    others = [HostPort(host, address.port) for host in _LOOPBACK]
    if not address.is_loopback or len(places) > 1:
        return nothing
    elsewhere = await first_accepting([other for other in others if other not in places], timeout_seconds)
    if elsewhere is None:
        return nothing
    return f"{nothing}, but {elsewhere} answers; say --application {HostPort(LOOPBACK_NAME, address.port)}"
