"""HTTP/2 frames as bytes, also those that no codec would write (RFC 9113 §4.1, §6)."""

import struct
from collections.abc import Iterable

Pairs = Iterable[tuple[str, str]]

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM = ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8
WITH_PRIORITY = 0x20

# Error codes of RFC 9113 §7.
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR = 0, 1, 2, 3
STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR = 5, 6, 7, 8, 9
ENHANCE_YOUR_CALM = 11

# Settings of RFC 9113 §6.5.2.
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE = 1, 2, 3, 4, 5


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """One frame; nothing is checked. The stream's highest bit is the reserved one."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def integer(value: int, prefix: int) -> bytes:
    """RFC 7541 §5.1, the bits before the prefix zero."""
    most = (1 << prefix) - 1
    if value < most:
        return bytes([value])
    out, rest = bytearray([most]), value - most
    while rest >= 0x80:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([*out, rest])


def literal(name: str, value: str) -> bytes:
    """A field without indexing and without Huffman's code (RFC 7541 §6.2.2): it touches no table."""
    encoded = (part.encode("latin-1") for part in (name, value))
    return b"\x00" + b"".join(integer(len(part), 7) + part for part in encoded)


def block(pairs: Pairs) -> bytes:
    """A header block of such fields, in this order."""
    return b"".join(literal(*pair) for pair in pairs)


def headers(stream: int, pairs: Pairs, flags: int = END_HEADERS) -> bytes:
    return frame(HEADERS, flags, stream, block(pairs))


def data(stream: int, payload: bytes = b"", flags: int = 0) -> bytes:
    return frame(DATA, flags, stream, payload)


def settings(*values: tuple[int, int]) -> bytes:
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", *value) for value in values))


def window_update(stream: int, increment: int) -> bytes:
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", increment))


def rst_stream(stream: int, code: int) -> bytes:
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def ping(payload: bytes = b"conforms", flags: int = 0) -> bytes:
    return frame(PING, flags, 0, payload)


def goaway(last: int, code: int, debug: bytes = b"") -> bytes:
    return frame(GOAWAY, 0, 0, struct.pack(">II", last, code) + debug)


def priority(stream: int, depends_on: int, weight: int = 15) -> bytes:
    return frame(PRIORITY, 0, stream, struct.pack(">IB", depends_on, weight))


def message(payload: bytes) -> bytes:
    """A gRPC message: not compressed, its length, its bytes."""
    return struct.pack(">BI", 0, len(payload)) + payload
