"""What is spoken at a port: HTTP/2's preface is sent, and the first bytes of the answer are looked at."""

import asyncio
from contextlib import suppress
from typing import Final

from sidecar.address import HostPort

_SETTINGS: Final = b"\0\0\0\4\0\0\0\0\0"  # an empty frame of type 4 on stream 0 (RFC 9113, 6.5)
_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _SETTINGS
_LOOKED_AT: Final = 16
_TLS_ALERT: Final = b"\x15\x03"


async def foreign(place: HostPort, timeout_seconds: float) -> str | None:
    """A sentence where something else than HTTP/2 is spoken at `place`; None where it is HTTP/2, or nobody speaks."""
    first = await _first_bytes(place, timeout_seconds)
    if first.startswith(b"HTTP/"):
        version = first.partition(b" ")[0].decode("latin-1")
        return f"the application at {place} answers {version}; it must speak HTTP/2 (h2c)"
    if first.startswith(_TLS_ALERT):
        return f"the application at {place} answers TLS; it must speak HTTP/2 without TLS (h2c), the sidecars encrypt"
    if first and first[3:4] != _SETTINGS[3:4]:
        return f"the application at {place} does not speak HTTP/2 (h2c): its answer begins with {first!r}"
    return None


async def _first_bytes(place: HostPort, timeout_seconds: float) -> bytes:
    try:
        async with asyncio.timeout(timeout_seconds):
            reader, writer = await asyncio.open_connection(place.host, place.port)
            try:
                writer.write(_PREFACE)
                return await reader.read(_LOOKED_AT)
            finally:
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()
    except (OSError, TimeoutError):
        return b""
