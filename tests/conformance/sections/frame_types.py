"""RFC 9113 §6.1 to §6.8 and §6.10: each frame type, its size, its stream, its flags."""

import struct

from tests.conformance import frames as f
from tests.conformance.peer import Frame, Peer, Unexpected
from tests.conformance.sections.case import (
    OPEN,
    REQUEST,
    Case,
    answered,
    connection_error,
    expect_goaway,
    expect_pong,
    stream_error,
    tolerated,
)

MESSAGE = f.message(b"padded")
REST = f.block([("x-more", "1")])


def data() -> tuple[Case, ...]:
    """§6.1."""
    padded = f.frame(f.DATA, f.END_STREAM | f.PADDED, 1, b"\x06" + MESSAGE + bytes(6))
    return (
        connection_error("6.1", "DATA on stream 0", f.data(0, b"x"), f.PROTOCOL_ERROR),
        connection_error(
            "6.1", "padding as long as the frame", OPEN + f.data(1, b"\x05xxxx", f.PADDED), f.PROTOCOL_ERROR
        ),
        connection_error(
            "6.1", "PADDED without a length", OPEN + f.data(1, b"", f.PADDED), f.FRAME_SIZE_ERROR, f.PROTOCOL_ERROR
        ),
        answered("6.1", "padded DATA is taken", OPEN + padded),
        answered("6.1", "empty DATA may end a stream", OPEN + f.data(1, MESSAGE) + f.data(1, b"", f.END_STREAM)),
    )


def headers() -> tuple[Case, ...]:
    """§6.2."""
    encoded, whole, end = f.block(REQUEST), f.END_HEADERS, f.data(1, MESSAGE, f.END_STREAM)
    padded = f.frame(f.HEADERS, whole | f.PADDED, 1, b"\x09" + encoded + bytes(9))
    weighed = struct.pack(">IB", 0x8000_0000, 255) + encoded
    both = f.frame(f.HEADERS, whole | f.PADDED | f.WITH_PRIORITY, 1, b"\x01" + weighed + b"\x00")
    return (
        connection_error("6.2", "HEADERS on stream 0", f.headers(0, REQUEST), f.PROTOCOL_ERROR),
        connection_error(
            "6.2",
            "padding as long as the frame",
            f.frame(f.HEADERS, whole | f.PADDED, 1, bytes([len(encoded) + 1]) + encoded),
            f.PROTOCOL_ERROR,
        ),
        connection_error("6.2", "DATA before END_HEADERS", f.headers(1, REQUEST, 0) + end, f.PROTOCOL_ERROR),
        answered("6.2", "padded HEADERS are taken", padded + end),
        answered("6.2", "HEADERS with a priority are taken", f.frame(f.HEADERS, whole | 0x20, 1, weighed) + end),
        answered("6.2", "HEADERS with both are taken", both + end),
    )


def priority_and_reset() -> tuple[Case, ...]:
    """§6.3, §6.4."""
    return (
        connection_error("6.3", "PRIORITY on stream 0", f.priority(0, 1), f.PROTOCOL_ERROR),
        stream_error("6.3", "PRIORITY of 4 bytes", OPEN + f.frame(f.PRIORITY, 0, 1, bytes(4)), f.FRAME_SIZE_ERROR),
        tolerated("6.3", "PRIORITY of a stream leaves all lower ids unused", f.priority(201, 0, 0)),
        connection_error("6.4", "RST_STREAM on stream 0", f.rst_stream(0, f.CANCEL), f.PROTOCOL_ERROR),
        connection_error(
            "6.4", "RST_STREAM of 3 bytes", OPEN + f.frame(f.RST_STREAM, 0, 1, bytes(3)), f.FRAME_SIZE_ERROR
        ),
        tolerated("6.4", "RST_STREAM ends its stream alone", OPEN + f.rst_stream(1, f.CANCEL)),
    )


def settings() -> tuple[Case, ...]:
    """§6.5."""
    return (
        connection_error("6.5", "an acknowledgement with content", _settings(bytes(6), f.ACK), f.FRAME_SIZE_ERROR),
        connection_error("6.5", "SETTINGS on a stream", f.frame(f.SETTINGS, 0, 1), f.PROTOCOL_ERROR),
        connection_error("6.5", "SETTINGS of 3 bytes", _settings(bytes(3)), f.FRAME_SIZE_ERROR),
        connection_error("6.5.2", "ENABLE_PUSH of 2", f.settings((f.ENABLE_PUSH, 2)), f.PROTOCOL_ERROR),
        connection_error(
            "6.5.2", "INITIAL_WINDOW_SIZE of 2^31", f.settings((f.INITIAL_WINDOW_SIZE, 1 << 31)), f.FLOW_CONTROL_ERROR
        ),
        connection_error(
            "6.5.2", "MAX_FRAME_SIZE of 2^14 - 1", f.settings((f.MAX_FRAME_SIZE, 16_383)), f.PROTOCOL_ERROR
        ),
        connection_error("6.5.2", "MAX_FRAME_SIZE of 2^24", f.settings((f.MAX_FRAME_SIZE, 1 << 24)), f.PROTOCOL_ERROR),
        tolerated("6.5.2", "MAX_FRAME_SIZE of 2^24 - 1 is taken", f.settings((f.MAX_FRAME_SIZE, (1 << 24) - 1))),
        tolerated("6.5.2", "a table of 0 bytes is kept to", f.settings((f.HEADER_TABLE_SIZE, 0))),
        tolerated("6.5.2", "a table of 2^32 - 1 bytes is taken", f.settings((f.HEADER_TABLE_SIZE, (1 << 32) - 1))),
        Case("6.5.3", "SETTINGS are acknowledged at once", _acknowledged),
    )


def ping_and_goaway() -> tuple[Case, ...]:
    """§6.6 to §6.8."""
    promise = struct.pack(">I", 2) + f.block(REQUEST)
    return (
        connection_error(
            "6.6", "PUSH_PROMISE from a client", OPEN + f.frame(f.PUSH_PROMISE, 4, 1, promise), f.PROTOCOL_ERROR
        ),
        Case("6.7", "PING comes back with its bytes", lambda peer: expect_pong(peer, b"\x00\xff one\r\n")),
        Case("6.7", "an acknowledgement is not answered", _quiet),
        connection_error("6.7", "PING on a stream", OPEN + f.frame(f.PING, 0, 1, bytes(8)), f.PROTOCOL_ERROR),
        connection_error("6.7", "PING of 6 bytes", f.ping(bytes(6)), f.FRAME_SIZE_ERROR),
        connection_error("6.8", "GOAWAY on a stream", OPEN + f.frame(f.GOAWAY, 0, 1, bytes(8)), f.PROTOCOL_ERROR),
        connection_error("6.8", "GOAWAY of 7 bytes", f.frame(f.GOAWAY, 0, 0, bytes(7)), f.FRAME_SIZE_ERROR),
        answered(
            "6.8",
            "a call that was begun before the client's GOAWAY is answered",
            OPEN + f.goaway(0, f.NO_ERROR, b"bye") + f.data(1, MESSAGE, f.END_STREAM),
        ),
        Case("6.8", "an error's GOAWAY is one, and the last", _one_goaway),
    )


def continuation() -> tuple[Case, ...]:
    """§6.10."""
    first, encoded = f.headers(1, REQUEST, 0), f.block(REQUEST)
    parts = [encoded[:1], encoded[1:7], b"", encoded[7:]]
    pieces = b"".join(
        f.frame(f.CONTINUATION if n else f.HEADERS, f.END_HEADERS if n == 3 else 0, 1, part)
        for n, part in enumerate(parts)
    )
    more = f.frame(f.CONTINUATION, f.END_HEADERS, 1, REST)
    end = f.data(1, MESSAGE, f.END_STREAM)
    return (
        answered("6.10", "a block in four frames is one, wherever it is cut", pieces + end),
        connection_error(
            "6.10", "another frame before END_HEADERS", first + f.frame(f.CONTINUATION, 0, 1, REST) + end, 1
        ),
        connection_error(
            "6.10", "CONTINUATION on stream 0", first + f.frame(f.CONTINUATION, 4, 0, REST), f.PROTOCOL_ERROR
        ),
        connection_error(
            "6.10", "CONTINUATION of another stream", first + f.frame(f.CONTINUATION, 4, 3, REST), f.PROTOCOL_ERROR
        ),
        connection_error("6.10", "CONTINUATION after END_HEADERS", OPEN + more, f.PROTOCOL_ERROR),
        connection_error("6.10", "CONTINUATION after another's END_HEADERS", first + more + more, f.PROTOCOL_ERROR),
        connection_error("6.10", "CONTINUATION after DATA", OPEN + f.data(1, b"x") + more, f.PROTOCOL_ERROR),
    )


def _settings(payload: bytes, flags: int = 0) -> bytes:
    return f.frame(f.SETTINGS, flags, 0, payload)


def _is_settings_ack(frame: Frame) -> bool:
    return frame.kind == f.SETTINGS and bool(frame.flags & f.ACK)


def _acknowledged(peer: Peer) -> None:
    peer.send(f.settings((f.INITIAL_WINDOW_SIZE, 1_000)), f.settings((f.INITIAL_WINDOW_SIZE, 2_000)))
    for _ in range(2):
        peer.until(_is_settings_ack, "SETTINGS ACK")


def _quiet(peer: Peer) -> None:
    peer.send(f.ping(b"answered", f.ACK))
    expect_pong(peer)
    if any(frame.kind == f.PING and frame.payload == b"answered" for frame in peer.seen):
        raise Unexpected("an acknowledgement was answered")


def _one_goaway(peer: Peer) -> None:
    peer.send(f.data(0, b"x"), f.ping(), f.headers(1, REQUEST))
    expect_goaway(peer, f.PROTOCOL_ERROR)
    if (told := sum(frame.kind == f.GOAWAY for frame in peer.seen)) != 1:
        raise Unexpected(f"wanted one GOAWAY; came {told}")
