"""RFC 9113 §3 to §5: the start of a connection, the shape of frames, the states of streams."""

import struct

from tests.conformance import frames as f
from tests.conformance.peer import Peer, Unexpected
from tests.conformance.sections.case import (
    OPEN,
    PATH,
    REQUEST,
    Case,
    answered,
    connection_error,
    expect_call,
    expect_close,
    expect_end,
    expect_goaway,
    expect_pong,
    stream_error,
    tolerated,
)

UNKNOWN = 0x16
LATE = f.frame(f.CONTINUATION, f.END_HEADERS, 1, f.block([("x-late", "1")]))
# A call that is asked in full and answered only after two seconds.
_UNARY = tuple((name, "/echo.v1.Echo/Unary" if name == ":path" else value) for name, value in REQUEST)
WAITING = f.headers(1, (*_UNARY, ("x-wait-ms", "2000"))) + f.data(1, f.message(b"x"), f.END_STREAM)


def start() -> tuple[Case, ...]:
    """§3.4."""
    return (
        Case("3.4", "the server speaks first with SETTINGS", _first_is_settings, is_greeted=False),
        Case("3.4", "a preface that comes byte by byte is one", _preface_in_bytes, is_greeted=False),
        Case("3.4", "a request before the server's SETTINGS is answered", _early_request, is_greeted=False),
        Case("3.4", "no preface ends the connection", _no_preface, is_greeted=False),
        Case("3.4", "a preface without SETTINGS ends the connection", _no_settings, is_greeted=False),
    )


def shape() -> tuple[Case, ...]:
    """§4 and §5.5."""
    most, over = b"x" * 16_384, b"x" * 16_385
    message = f.message(most[:-5])
    return (
        tolerated("4.1", "a frame of an unknown type on stream 0 is ignored", f.frame(UNKNOWN, 0, 0, b"x" * 8)),
        tolerated("4.1", "a frame of an unknown type on an open stream is ignored", OPEN + f.frame(UNKNOWN, 255, 1)),
        tolerated("4.1", "undefined flags of PING are ignored", f.ping(flags=0xFE)),
        tolerated("4.1", "undefined flags of SETTINGS are ignored", f.frame(f.SETTINGS, 0xFE, 0)),
        tolerated("4.1", "the reserved bit of a stream id is ignored", f.frame(f.PING, 0, 1 << 31, b"reserved")),
        answered("4.2", "DATA of 2^14 bytes is taken", OPEN + f.data(1, message, f.END_STREAM)),
        connection_error("4.2", "DATA over SETTINGS_MAX_FRAME_SIZE", OPEN + f.data(1, over), f.FRAME_SIZE_ERROR),
        connection_error("4.2", "HEADERS over it", f.frame(f.HEADERS, f.END_HEADERS, 1, over), f.FRAME_SIZE_ERROR),
        connection_error("4.2", "an unknown frame over it", f.frame(UNKNOWN, 0, 0, over), f.FRAME_SIZE_ERROR),
        connection_error("4.3", "a block that is no HPACK", _block(1, b"\x40"), f.COMPRESSION_ERROR),
        connection_error("4.3", "a block cut short", _block(1, f.block(REQUEST)[:-1]), f.COMPRESSION_ERROR),
        connection_error("4.3", "PRIORITY within a block", _begun() + f.priority(1, 0), f.PROTOCOL_ERROR),
        connection_error("4.3", "HEADERS of another stream within it", _begun() + _whole(3), f.PROTOCOL_ERROR),
        connection_error("5.5", "an unknown frame within a block", _begun() + f.frame(UNKNOWN, 0, 1), f.PROTOCOL_ERROR),
        tolerated("5.5", "an unknown setting is ignored", f.settings((0xFA, 7))),
        tolerated("7", "unknown error codes are taken", OPEN + f.rst_stream(1, 0xFFFF)),
        answered("7", "one in a GOAWAY is taken", OPEN + f.goaway(0, 0xFFFF) + f.data(1, message, f.END_STREAM)),
    )


def idle() -> tuple[Case, ...]:
    """§5.1, idle: HEADERS and PRIORITY only."""
    section = "5.1 idle"
    return (
        connection_error(section, "DATA", f.data(1, b"x"), f.PROTOCOL_ERROR),
        connection_error(section, "RST_STREAM", f.rst_stream(1, f.CANCEL), f.PROTOCOL_ERROR),
        connection_error(section, "WINDOW_UPDATE", f.window_update(1, 100), f.PROTOCOL_ERROR),
        connection_error(section, "CONTINUATION", LATE, f.PROTOCOL_ERROR),
        tolerated(section, "PRIORITY is taken", f.priority(7, 0)),
    )


def half_closed() -> tuple[Case, ...]:
    """§5.1, half-closed (remote): the client has said END_STREAM, the server has not."""
    section, sent = "5.1 half-closed", WAITING
    return (
        stream_error(section, "DATA", sent + f.data(1, b"x"), f.STREAM_CLOSED),
        stream_error(section, "HEADERS", sent + f.headers(1, REQUEST), f.STREAM_CLOSED),
        connection_error(section, "CONTINUATION", sent + LATE, f.PROTOCOL_ERROR, f.STREAM_CLOSED),
        tolerated(section, "WINDOW_UPDATE is taken", sent + f.window_update(1, 10)),
        tolerated(section, "PRIORITY is taken", sent + f.priority(1, 0)),
        tolerated(section, "RST_STREAM is taken", sent + f.rst_stream(1, f.CANCEL)),
    )


def closed() -> tuple[Case, ...]:
    """§5.1, closed: by either side's RST_STREAM, or by END_STREAM both ways."""
    reset = OPEN + f.rst_stream(1, f.CANCEL)
    return (
        stream_error("5.1 reset", "DATA", reset + f.data(1, b"x"), f.STREAM_CLOSED),
        stream_error("5.1 reset", "HEADERS", reset + OPEN, f.STREAM_CLOSED),
        connection_error("5.1 reset", "CONTINUATION", reset + LATE, f.PROTOCOL_ERROR, f.STREAM_CLOSED),
        tolerated("5.1 reset", "PRIORITY is taken", reset + f.priority(1, 0)),
        tolerated("5.1 reset", "WINDOW_UPDATE is taken", reset + f.window_update(1, 1)),
        tolerated("5.1 reset", "a second RST_STREAM is taken", reset + f.rst_stream(1, f.CANCEL)),
        _after_the_end("DATA", f.data(1, b"x"), f.STREAM_CLOSED),
        Case("5.1 ended", "HEADERS end the connection", _opened_again),
        _after_the_end("CONTINUATION", LATE, f.STREAM_CLOSED, f.PROTOCOL_ERROR),
        _after_the_end("WINDOW_UPDATE is taken", f.window_update(1, 1)),
        _after_the_end("RST_STREAM is taken", f.rst_stream(1, f.CANCEL)),
        _after_the_end("PRIORITY is taken", f.priority(1, 0)),
    )


def streams() -> tuple[Case, ...]:
    """§5.1.1 to §5.4; §5.3.1 is RFC 7540's, whose priorities are deprecated but checked for this one error."""
    return (
        connection_error("5.1.1", "an even stream id", f.headers(2, REQUEST), f.PROTOCOL_ERROR),
        connection_error("5.1.1", "an id below one already used", _whole(5) + _whole(3), f.PROTOCOL_ERROR),
        Case("5.1.2", "a stream over SETTINGS_MAX_CONCURRENT_STREAMS", _one_too_many),
        tolerated("5.3.2", "priority signals change nothing", f.priority(1, 3) + f.priority(3, 5, 255)),
        stream_error("5.3.1", "a request that depends on itself", _own_parent(1), f.PROTOCOL_ERROR),
        stream_error("5.3.1", "PRIORITY of a stream on itself", OPEN + f.priority(1, 1), f.PROTOCOL_ERROR),
        connection_error("5.3.1", "PRIORITY of an idle stream on itself", f.priority(1, 1), f.PROTOCOL_ERROR),
        Case("5.4.1", "a connection error is told, then the connection closed", _told_then_closed),
    )


def _first_is_settings(peer: Peer) -> None:
    peer.send(f.PREFACE + f.settings())
    first = peer.read()
    if first is None or first.kind != f.SETTINGS or first.flags & f.ACK:
        raise Unexpected(f"wanted SETTINGS; came {first}")


def _preface_in_bytes(peer: Peer) -> None:
    for byte in f.PREFACE + f.settings():
        peer.send(bytes([byte]))
    expect_call(peer)


def _early_request(peer: Peer) -> None:
    peer.send(f.PREFACE + f.settings() + OPEN + f.data(1, f.message(b"early"), f.END_STREAM))
    expect_end(peer, 1)


def _no_preface(peer: Peer) -> None:
    peer.send(b"INVALID CONNECTION PREFACE\r\n\r\n")
    expect_close(peer)


def _no_settings(peer: Peer) -> None:
    peer.send(f.PREFACE + f.ping())
    expect_goaway(peer, f.PROTOCOL_ERROR)


def _after_the_end(title: str, sent: bytes, *codes: int) -> Case:
    """After a whole call. A server may have forgotten the stream: a connection error does as well."""

    def script(peer: Peer) -> None:
        peer.send(OPEN + f.data(1, f.message(b"x"), f.END_STREAM))
        expect_end(peer, 1)
        peer.send(sent)
        if not codes:
            return expect_call(peer)
        wanted = f"an error with a code in {codes}"
        frame = peer.until(lambda frame: frame.kind in (f.RST_STREAM, f.GOAWAY), wanted)
        if frame.code() not in codes:
            raise Unexpected(f"wanted {wanted}; came {frame}")
        return None

    return Case("5.1 ended", title, script)


def _opened_again(peer: Peer) -> None:
    peer.send(OPEN + f.data(1, f.message(b"x"), f.END_STREAM))
    expect_end(peer, 1)
    peer.send(OPEN)
    expect_goaway(peer, f.STREAM_CLOSED)


def _own_parent(stream: int) -> bytes:
    """A request whose priority names itself."""
    priority = struct.pack(">IB", stream, 255)
    return f.frame(f.HEADERS, f.END_HEADERS | f.WITH_PRIORITY, stream, priority + f.block(REQUEST))


def _one_too_many(peer: Peer) -> None:
    limits = [frame for frame in peer.seen if frame.kind == f.SETTINGS and frame.payload]
    values = dict(struct.iter_unpack(">HI", limits[0].payload))
    most = values[f.MAX_CONCURRENT_STREAMS]
    peer.send(*(f.headers(2 * n + 1, REQUEST) for n in range(most + 1)))
    frame = peer.until(lambda frame: frame.kind in (f.RST_STREAM, f.GOAWAY), "RST_STREAM")
    if frame.kind != f.RST_STREAM or frame.stream != 2 * most + 1:
        raise Unexpected(f"wanted RST_STREAM of stream {2 * most + 1}; came {frame}")
    if frame.code() not in (f.REFUSED_STREAM, f.PROTOCOL_ERROR):
        raise Unexpected(f"wanted REFUSED_STREAM; came {frame}")
    expect_pong(peer)


def _told_then_closed(peer: Peer) -> None:
    peer.send(OPEN + f.data(0, b"x"))
    goaway = peer.until(lambda frame: frame.kind == f.GOAWAY, "GOAWAY")
    last = struct.unpack(">I", goaway.payload[:4])[0]
    if last != 1:
        raise Unexpected(f"wanted GOAWAY naming stream 1 ({PATH}) as the last; came {last}")
    expect_close(peer)


def _whole(stream: int) -> bytes:
    return f.headers(stream, REQUEST, f.END_HEADERS | f.END_STREAM)


def _begun() -> bytes:
    """A header block whose end is still to come."""
    return f.headers(1, REQUEST, 0)


def _block(stream: int, encoded: bytes) -> bytes:
    return f.frame(f.HEADERS, f.END_HEADERS | f.END_STREAM, stream, encoded)
