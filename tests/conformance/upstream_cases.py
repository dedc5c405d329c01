"""What a broken server may send to our upstream side, and how RFC 9113 lets a client end it.

Each case answers one call. `Ends.CONNECTION` wants a GOAWAY, `Ends.STREAM` an RST_STREAM, both with one of the codes;
`Ends.NOTHING` wants the call to succeed. Whatever it is, the call itself ends within two seconds.
"""

import enum
import struct
from collections.abc import Callable
from dataclasses import dataclass

from tests.conformance import frames as f
from tests.conformance.scripted_server import HEAD, TRAILERS, Conversation, Script

ENDS = f.END_HEADERS | f.END_STREAM
SMALL = f.message(b"small")


class Ends(enum.Enum):
    """What is lost by it."""

    CONNECTION = f.GOAWAY
    STREAM = f.RST_STREAM
    NOTHING = None


@dataclass(frozen=True)
class UpstreamCase:
    """`sent(stream)` is the answer to the call on that stream."""

    section: str
    title: str
    ends: Ends
    codes: tuple[int, ...]
    sent: Callable[[int], bytes]

    def __str__(self) -> str:
        return f"{self.section} {self.title}"

    def script(self) -> Script:
        def answer(conversation: Conversation, stream: int) -> None:
            conversation.send(self.sent(stream))

        return answer


def cases() -> tuple[UpstreamCase, ...]:
    return (*_sizes_and_streams(), *_settings_and_windows(), *_blocks(), *_states(), *_messages(), *_harmless())


def _connection(section: str, title: str, sent: Callable[[int], bytes], *codes: int) -> UpstreamCase:
    return UpstreamCase(section, title, Ends.CONNECTION, codes or (f.PROTOCOL_ERROR,), sent)


def _stream(section: str, title: str, sent: Callable[[int], bytes], *codes: int) -> UpstreamCase:
    return UpstreamCase(section, title, Ends.STREAM, codes or (f.PROTOCOL_ERROR,), sent)


def _fine(section: str, title: str, sent: Callable[[int], bytes]) -> UpstreamCase:
    return UpstreamCase(section, title, Ends.NOTHING, (), sent)


def _head(stream: int) -> bytes:
    return f.headers(stream, HEAD)


def whole(stream: int) -> bytes:
    return _head(stream) + f.data(stream, SMALL) + f.headers(stream, TRAILERS, ENDS)


def _sizes_and_streams() -> tuple[UpstreamCase, ...]:
    size = f.FRAME_SIZE_ERROR
    return (
        _connection("4.2", "a frame over SETTINGS_MAX_FRAME_SIZE", lambda s: f.data(s, bytes(16_385)), size),
        _connection("6.1", "DATA on stream 0", lambda s: _head(s) + f.data(0, b"x")),
        _connection("6.1", "padding as long as DATA", lambda s: _head(s) + f.data(s, b"\x05xxxx", f.PADDED)),
        _connection("6.2", "HEADERS on stream 0", lambda _: f.headers(0, HEAD)),
        _connection("6.2", "padding as long as HEADERS", lambda s: f.frame(f.HEADERS, 4 | f.PADDED, s, b"\x02\x88")),
        _stream("5.3.1", "PRIORITY of a stream on itself", lambda s: f.priority(s, s)),
        _connection("6.3", "PRIORITY on stream 0", lambda _: f.priority(0, 1)),
        _stream("6.3", "PRIORITY of 4 bytes", lambda s: f.frame(f.PRIORITY, 0, s, bytes(4)), size),
        _connection("6.4", "RST_STREAM on stream 0", lambda _: f.rst_stream(0, f.CANCEL)),
        _connection("6.4", "RST_STREAM on an idle stream", lambda s: f.rst_stream(s + 2_000, f.CANCEL)),
        _connection("6.4", "RST_STREAM of 3 bytes", lambda s: f.frame(f.RST_STREAM, 0, s, bytes(3)), size),
        _connection("6.6", "PUSH_PROMISE, which was never allowed", _promise),
        _connection("6.7", "PING on a stream", lambda s: f.frame(f.PING, 0, s, bytes(8))),
        _connection("6.7", "PING of 6 bytes", lambda _: f.ping(bytes(6)), size),
        _connection("6.8", "GOAWAY on a stream", lambda s: f.frame(f.GOAWAY, 0, s, bytes(8))),
        _connection("6.8", "GOAWAY of 7 bytes", lambda _: f.frame(f.GOAWAY, 0, 0, bytes(7)), size),
    )


def _settings_and_windows() -> tuple[UpstreamCase, ...]:
    size, flow, most = f.FRAME_SIZE_ERROR, f.FLOW_CONTROL_ERROR, (1 << 31) - 1
    return (
        _connection("6.5", "SETTINGS on a stream", lambda s: f.frame(f.SETTINGS, 0, s)),
        _connection("6.5", "SETTINGS of 3 bytes", lambda _: f.frame(f.SETTINGS, 0, 0, bytes(3)), size),
        _connection("6.5", "an acknowledgement with content", lambda _: f.frame(f.SETTINGS, f.ACK, 0, bytes(6)), size),
        _connection("6.5.2", "ENABLE_PUSH from a server", lambda _: f.settings((f.ENABLE_PUSH, 1))),
        _connection("6.5.2", "a window of 2^31", lambda _: f.settings((f.INITIAL_WINDOW_SIZE, 1 << 31)), flow),
        _connection("6.5.2", "frames of 2^14 - 1", lambda _: f.settings((f.MAX_FRAME_SIZE, 16_383))),
        _connection("6.5.2", "frames of 2^24", lambda _: f.settings((f.MAX_FRAME_SIZE, 1 << 24))),
        _connection("6.9", "WINDOW_UPDATE by 0 for the connection", lambda _: f.window_update(0, 0)),
        _stream("6.9", "WINDOW_UPDATE by 0 for the stream", lambda s: _head(s) + f.window_update(s, 0)),
        _connection("6.9", "WINDOW_UPDATE of 3 bytes", lambda s: f.frame(f.WINDOW_UPDATE, 0, s, bytes(3)), size),
        _connection("6.9", "WINDOW_UPDATE on an idle stream", lambda s: f.window_update(s + 2_000, 1)),
        _connection("6.9.1", "the connection's window over 2^31 - 1", lambda _: f.window_update(0, most), flow),
        _stream("6.9.1", "the stream's window over 2^31 - 1", lambda s: f.window_update(s, most), flow),
    )


def _blocks() -> tuple[UpstreamCase, ...]:
    broken = f.COMPRESSION_ERROR

    def begun(stream: int) -> bytes:
        return f.headers(stream, HEAD, 0)

    return (
        _connection("4.3", "a block that is no HPACK", lambda s: f.frame(f.HEADERS, 4, s, b"\x40"), broken),
        _connection("4.3", "another frame within a block", lambda s: begun(s) + f.ping()),
        _connection("5.5", "an unknown frame within a block", lambda s: begun(s) + f.frame(0x16, 0, s)),
        _connection("6.10", "CONTINUATION without HEADERS", lambda s: f.frame(f.CONTINUATION, 4, s, b"\x88")),
        _connection("6.10", "CONTINUATION of another stream", lambda s: begun(s) + f.frame(9, 4, s + 2, b"")),
        _connection("7541 2.3.3", "an index past both tables", lambda s: _encoded(s, b"\xff\x80\x01"), broken),
        _connection("7541 4.2", "a size update after a field", lambda s: _encoded(s, b"\x88\x20"), broken),
        _connection("7541 5.2", "Huffman padding over 7 bits", lambda s: _encoded(s, b"\x00\x81\xff\x011"), broken),
        _connection("7541 6.1", "index 0", lambda s: _encoded(s, b"\x88\x80"), broken),
        _connection("7541 6.3", "a table above our limit", lambda s: _encoded(s, b"\x3f\xe2\x1f\x88"), broken),
    )


def _states() -> tuple[UpstreamCase, ...]:
    return (
        _connection("5.1", "DATA on an idle stream", lambda s: f.data(s + 2_000, b"x")),
        _connection("5.1", "HEADERS on an idle stream", lambda s: f.headers(s + 2_000, HEAD)),
        _connection("5.1.1", "HEADERS on an even stream", lambda _: f.headers(2, HEAD)),
        _stream("8.1", "DATA before HEADERS", lambda s: f.data(s, SMALL)),
    )


def _messages() -> tuple[UpstreamCase, ...]:
    def with_field(name: str, value: str) -> Callable[[int], bytes]:
        return lambda s: f.headers(s, (*HEAD, (name, value))) + f.data(s, SMALL)

    return (
        _stream("8.1.1", "content-length above DATA", lambda s: with_field("content-length", "99")(s) + _end(s)),
        _stream("8.1.1", "content-length below DATA", with_field("content-length", "1")),
        _stream("8.2.1", "a name in upper case", with_field("X-Upper", "1")),
        _stream("8.2.1", "a value with NUL", with_field("x-a", "a\0b")),
        _stream("8.2.1", "a value with LF", with_field("x-a", "a\nb")),
        _stream("8.2.2", "connection", with_field("connection", "close")),
        _stream("8.2.2", "transfer-encoding", with_field("transfer-encoding", "chunked")),
        _stream("8.3", "a pseudo-header after a field", with_field(":status", "200")),
        _stream("8.3", "a request's pseudo-header", lambda s: f.headers(s, ((":path", "/"), *HEAD))),
        _stream("8.3", "a pseudo-header in trailers", lambda s: _head(s) + f.headers(s, HEAD, ENDS)),
        _stream("8.3.2", "no :status", lambda s: f.headers(s, HEAD[1:])),
        _stream("8.3.2", "a :status that is no number", lambda s: f.headers(s, ((":status", "2x0"),))),
        _stream("8.1", "trailers without END_STREAM", lambda s: _head(s) + f.headers(s, TRAILERS)),
    )


def _harmless() -> tuple[UpstreamCase, ...]:
    return (
        _fine("4.1", "a frame of an unknown type", lambda s: f.frame(0x16, 255, s, b"x") + whole(s)),
        _fine(
            "4.1",
            "undefined flags and the reserved bit",
            lambda s: f.frame(f.PING, 0xFE, 1 << 31, b"y" * 8) + whole(s),
        ),
        _fine("5.3.2", "PRIORITY", lambda s: f.priority(s, 0) + f.priority(s + 2, s) + whole(s)),
        _fine("6.1", "padded and empty DATA", lambda s: _head(s) + _padded(s) + f.headers(s, TRAILERS, ENDS)),
        _fine("6.5.2", "an unknown setting", lambda s: f.settings((0xFA, 7)) + whole(s)),
        _fine("6.5.2", "another table, window and frame size", _resettled),
        _fine("6.10", "a block in three frames", _in_pieces),
        _fine("8.1", "RST_STREAM of NO_ERROR after the whole answer", lambda s: whole(s) + f.rst_stream(s, 0)),
        _fine("5.1", "WINDOW_UPDATE and RST_STREAM after the end", _late),
    )


def _promise(stream: int) -> bytes:
    return f.frame(f.PUSH_PROMISE, f.END_HEADERS, stream, struct.pack(">I", 2) + f.block(((":method", "GET"),)))


def _encoded(stream: int, encoded: bytes) -> bytes:
    return f.frame(f.HEADERS, f.END_HEADERS, stream, encoded)


def _end(stream: int) -> bytes:
    return f.headers(stream, TRAILERS, ENDS)


def _padded(stream: int) -> bytes:
    return f.data(stream, b"\x03" + SMALL + bytes(3), f.PADDED) + f.data(stream) + f.data(stream, b"\x00", f.PADDED)


def _resettled(stream: int) -> bytes:
    values = ((f.HEADER_TABLE_SIZE, 0), (f.INITIAL_WINDOW_SIZE, 100), (f.MAX_FRAME_SIZE, 1 << 20))
    return f.settings(*values) + whole(stream) + f.settings((f.INITIAL_WINDOW_SIZE, 65_535))


def _in_pieces(stream: int) -> bytes:
    encoded = f.block(HEAD)
    first = f.frame(f.HEADERS, 0, stream, encoded[:3]) + f.frame(f.CONTINUATION, 0, stream)
    last = f.frame(f.CONTINUATION, f.END_HEADERS, stream, encoded[3:])
    return first + last + f.data(stream, SMALL) + _end(stream)


def _late(stream: int) -> bytes:
    return whole(stream) + f.window_update(stream, 1) + f.rst_stream(stream, f.CANCEL)
