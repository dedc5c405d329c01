"""RFC 9113 §5.2 and §6.9: windows, both ways."""

import struct

from tests.conformance import frames as f
from tests.conformance.peer import Frame, Peer, Unexpected
from tests.conformance.sections.case import (
    OPEN,
    Case,
    connection_error,
    expect_end,
    expect_pong,
    stream_error,
    tolerated,
)

MOST = (1 << 31) - 1
BODY = f.message(b"w" * 35)  # 40 bytes there, and 40 back


def updates() -> tuple[Case, ...]:
    """What a WINDOW_UPDATE may say."""
    return (
        connection_error("6.9", "by 0 for the connection", f.window_update(0, 0), f.PROTOCOL_ERROR),
        stream_error("6.9", "by 0 for a stream", OPEN + f.window_update(1, 0), f.PROTOCOL_ERROR),
        connection_error(
            "6.9", "WINDOW_UPDATE of 3 bytes", f.frame(f.WINDOW_UPDATE, 0, 0, bytes(3)), f.FRAME_SIZE_ERROR
        ),
        connection_error(
            "6.9", "WINDOW_UPDATE of 5 bytes", OPEN + f.frame(f.WINDOW_UPDATE, 0, 1, bytes(5)), f.FRAME_SIZE_ERROR
        ),
        connection_error(
            "6.9.1", "the connection's window over 2^31 - 1", f.window_update(0, MOST), f.FLOW_CONTROL_ERROR
        ),
        stream_error("6.9.1", "a stream's window over 2^31 - 1", OPEN + f.window_update(1, MOST), f.FLOW_CONTROL_ERROR),
        tolerated("6.9", "the reserved bit of an increment is ignored", f.window_update(0, 0x8000_0001)),
        connection_error(
            "6.9.2",
            "SETTINGS that make a stream's window overflow",
            OPEN + f.window_update(1, MOST - 65_535) + f.settings((f.INITIAL_WINDOW_SIZE, 65_536)),
            f.FLOW_CONTROL_ERROR,
        ),
    )


def obedience() -> tuple[Case, ...]:
    """The server sends no more than it may."""
    return (
        Case("6.9.1", "no byte more than a stream's window", _byte_by_byte, is_greeted=False),
        Case("6.9.2", "SETTINGS open the windows of open streams", _opened_by_settings, is_greeted=False),
        Case("6.9.2", "a window below zero is kept to", _below_zero, is_greeted=False),
        Case("6.9.2", "SETTINGS leave the connection's window alone", _connection_window_stays),
        Case("6.5.3", "of two values in one SETTINGS the last counts", _last_value, is_greeted=False),
        Case("6.9", "headers need no window", _headers_need_none, is_greeted=False),
    )


def protection() -> tuple[Case, ...]:
    """The server takes no more than it gave."""
    return (
        Case("6.9.1", "a client that overruns a stream's window", _overrun_stream, is_greeted=False),
        Case("6.9.1", "padding counts in the window and is given back", _padding_given_back),
    )


def _window(peer: Peer, size: int) -> None:
    peer.greet((f.INITIAL_WINDOW_SIZE, size))


def _call(peer: Peer, body: bytes = BODY) -> None:
    peer.send(OPEN, f.data(1, body, f.END_STREAM))


def _expect_data(peer: Peer, size: int) -> None:
    """The next DATA with content has `size` bytes; then nothing more comes than pongs."""
    frame = peer.until(_is_data, f"{size} bytes of DATA")
    if len(frame.payload) != size:
        raise Unexpected(f"wanted {size} bytes of DATA; came {frame}")
    _expect_none(peer)


def _expect_none(peer: Peer) -> None:
    before = len(peer.seen)
    expect_pong(peer, b"no more?")
    if more := [str(frame) for frame in peer.seen[before:] if _is_data(frame)]:
        raise Unexpected(f"wanted no DATA beyond the window; came {more}")


def _is_data(frame: Frame) -> bool:
    return frame.kind == f.DATA and bool(frame.payload)


def _byte_by_byte(peer: Peer) -> None:
    _window(peer, 1)
    _call(peer)
    for _ in range(3):
        _expect_data(peer, 1)
        peer.send(f.window_update(1, 1))
    peer.send(f.window_update(1, 100))
    _expect_whole(peer)


def _expect_whole(peer: Peer) -> None:
    expect_end(peer, 1)
    body = b"".join(frame.payload for frame in peer.seen if frame.kind == f.DATA)
    if body != BODY:
        raise Unexpected(f"wanted {len(BODY)} bytes in all; came {len(body)}")


def _opened_by_settings(peer: Peer) -> None:
    _window(peer, 0)
    _call(peer)
    _expect_none_after_headers(peer)
    peer.send(f.settings((f.INITIAL_WINDOW_SIZE, 1)))
    _expect_data(peer, 1)
    peer.send(f.settings((f.INITIAL_WINDOW_SIZE, 65_535)))
    _expect_whole(peer)


def _expect_none_after_headers(peer: Peer) -> None:
    peer.until(lambda frame: frame.kind == f.HEADERS and _decoded(peer, frame), "response headers")
    _expect_none(peer)


def _decoded(peer: Peer, frame: Frame) -> bool:
    """Every block goes through the decoder, or its table is lost."""
    return bool(peer.decoder.decode(frame.payload))


def _below_zero(peer: Peer) -> None:
    _window(peer, 5)
    _call(peer)
    peer.until(lambda frame: frame.kind == f.HEADERS and _decoded(peer, frame), "response headers")
    _expect_data(peer, 5)
    peer.send(f.settings((f.INITIAL_WINDOW_SIZE, 2)))  # the window is now -3
    _expect_none(peer)
    peer.send(f.window_update(1, 3))
    _expect_none(peer)
    peer.send(f.window_update(1, 1))
    _expect_data(peer, 1)
    peer.send(f.window_update(1, 100))
    _expect_whole(peer)


def _connection_window_stays(peer: Peer) -> None:
    """Of 70,000 bytes 65,535 come, however wide the stream's window: the rest waits for the connection's."""
    peer.send(f.settings((f.INITIAL_WINDOW_SIZE, 1 << 20)), OPEN)
    body = f.message(b"c" * 69_995)
    peer.send(*(f.data(1, body[at : at + 10_000], 0) for at in range(0, 60_000, 10_000)))
    received = 0
    while _is_data(came := peer.until(_is_data_or_window, "window for the rest of the request")):
        received += len(came.payload)
    peer.send(f.data(1, body[60_000:], f.END_STREAM))
    while received < 65_535:
        received += len(peer.until(_is_data, f"DATA after {received} bytes").payload)
    if received != 65_535:
        raise Unexpected(f"wanted 65535 bytes of DATA; came {received}")
    _expect_none(peer)
    peer.send(f.window_update(0, 65_535))
    while received < len(body):
        received += len(peer.until(_is_data, f"DATA after {received} bytes").payload)


def _is_data_or_window(frame: Frame) -> bool:
    return _is_data(frame) or (frame.kind == f.WINDOW_UPDATE and frame.stream == 1)


def _last_value(peer: Peer) -> None:
    peer.greet((f.INITIAL_WINDOW_SIZE, 100), (f.INITIAL_WINDOW_SIZE, 1))
    _call(peer)
    _expect_data(peer, 1)


def _headers_need_none(peer: Peer) -> None:
    _window(peer, 0)
    _call(peer)
    _expect_none_after_headers(peer)


def _overrun_stream(peer: Peer) -> None:
    """The response is not read, so its way back fills; then nobody gives the stream its window back."""
    _window(peer, 0)
    announced = next(frame for frame in peer.seen if frame.kind == f.SETTINGS and frame.payload)
    window = dict(struct.iter_unpack(">HI", announced.payload)).get(f.INITIAL_WINDOW_SIZE, 65_535)
    peer.send(OPEN)
    chunk = f.message(b"o" * 16_000)
    for _ in range(window // len(chunk) + 1):
        peer.send(f.data(1, chunk))
    for _ in range(400):  # far more than all windows and buffers between here and the application hold
        peer.send(f.data(1, chunk))
    frame = peer.until(lambda frame: frame.kind in (f.RST_STREAM, f.GOAWAY), "an error FLOW_CONTROL_ERROR")
    if frame.code() != f.FLOW_CONTROL_ERROR:
        raise Unexpected(f"wanted FLOW_CONTROL_ERROR; came {frame}")


def _padding_given_back(peer: Peer) -> None:
    """More padding than a stream's window holds goes through, since its window comes back."""
    peer.send(OPEN)
    padded = f.data(1, bytes([255]) + f.message(b"") + bytes(255), f.PADDED)
    granted = 65_535
    for _ in range(1_000):
        if granted < len(padded):
            update = peer.until(
                lambda frame: frame.kind == f.WINDOW_UPDATE and frame.stream == 1, "WINDOW_UPDATE of stream 1"
            )
            granted += struct.unpack(">I", update.payload)[0]
        peer.send(padded)
        granted -= len(padded) - 9
    peer.send(f.data(1, b"", f.END_STREAM))
    expect_end(peer, 1)
