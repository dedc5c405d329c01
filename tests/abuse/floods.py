"""Frames that cost their sender nothing: control frames, empty frames, endless header blocks."""

from tests.abuse.attack import Attack, flooded
from tests.abuse.calls import begun, expect_ok, head, is_end, whole
from tests.conformance import frames as f
from tests.conformance.peer import Peer, Unexpected

UNKNOWN = 0x16
MOST_CONTINUATIONS = 8


def attacks() -> tuple[Attack, ...]:
    return (
        Attack("PING flood (CVE-2019-9512)", flooded(f.ping() * 1_500), _pings),
        Attack("SETTINGS flood (CVE-2019-9515)", flooded(f.settings() * 150), _settings),
        Attack("PRIORITY flood (CVE-2019-9513)", flooded(f.priority(1, 0) * 1_500), _priorities),
        Attack("flood of an unknown type", flooded(f.frame(UNKNOWN, 0, 0, b"?") * 1_500), _unknown),
        Attack("WINDOW_UPDATE flood", flooded(f.window_update(0, 1) * 1_500), _window_updates),
        Attack("empty DATA flood (CVE-2019-9518)", flooded(begun(1), f.data(1) * 150), _empty_data),
        Attack("CONTINUATION flood (CVE-2024-27316)", flooded(_pieces(9)), _continued),
        Attack("empty CONTINUATION flood", flooded(_unfinished(), f.frame(f.CONTINUATION, 0, 1) * 9), _continued),
        Attack("CONTINUATION by the bytes", flooded(_unfinished(), _long_piece() * 5), _continued),
    )


def _pings(peer: Peer) -> None:
    """300 are answered, each with its own bytes, in turn."""
    payloads = [number.to_bytes(8) for number in range(300)]
    peer.send(*(f.ping(payload) for payload in payloads))
    for payload in payloads:
        came = peer.until(lambda frame: frame.kind == f.PING, "PING ACK")
        if came.payload != payload:
            raise Unexpected(f"wanted the PING {payload.hex()} back; came {came.payload.hex()}")


def _settings(peer: Peer) -> None:
    """50 are acknowledged."""
    peer.send(f.settings() * 50)
    for _ in range(50):
        peer.until(lambda frame: frame.kind == f.SETTINGS and bool(frame.flags & f.ACK), "SETTINGS ACK")


def _priorities(peer: Peer) -> None:
    """A browser's habit: a few of them before and with each call."""
    for stream in range(1, 101, 2):
        peer.send(*(f.priority(stream + 200, 0, weight) for weight in range(5)), whole(stream))
        expect_ok(peer, stream)


def _unknown(peer: Peer) -> None:
    """An extension that greases the wire now and then."""
    peer.send(f.frame(UNKNOWN, 0, 0, b"grease") * 200, whole(1))
    expect_ok(peer, 1)


def _window_updates(peer: Peer) -> None:
    """A reader that gives window back for each frame of 1.5 MiB."""
    message = f.message(bytes(15_000))
    for stream in range(1, 201, 2):
        peer.send(begun(stream, "Unary"), f.data(stream, message, f.END_STREAM))
        while size := _size_of_data(peer, stream):
            peer.send(f.window_update(0, size), f.window_update(stream, size))


def _size_of_data(peer: Peer, stream: int) -> int:
    """Of the next DATA frame; 0 at the stream's end."""
    while True:
        frame = peer.until(lambda frame: frame.kind in (f.DATA, f.HEADERS, f.RST_STREAM, f.GOAWAY), "the answer")
        if is_end(frame, stream) and frame.kind not in (f.HEADERS, f.DATA):
            raise Unexpected(f"wanted DATA; came {frame}")
        if is_end(frame, stream):
            return 0
        if frame.kind == f.DATA and frame.payload:
            return len(frame.payload)


def _empty_data(peer: Peer) -> None:
    """Frames without content between small messages, and one that ends the call."""
    peer.send(begun(1), *(f.data(1) + f.data(1, f.message(b"x")) for _ in range(150)), f.data(1, b"", f.END_STREAM))
    expect_ok(peer, 1)


def _continued(peer: Peer) -> None:
    """A block in as many frames as may be."""
    peer.send(_pieces(MOST_CONTINUATIONS), f.data(1, f.message(b"pieces"), f.END_STREAM))
    expect_ok(peer, 1)


def _pieces(continuations: int) -> bytes:
    """A request in a HEADERS frame and so many others."""
    encoded = f.block(head("Unary"))
    size = -(-len(encoded) // (continuations + 1))
    parts = [encoded[at : at + size] for at in range(0, len(encoded), size)]
    parts += [b""] * (continuations + 1 - len(parts))
    rest = [f.frame(f.CONTINUATION, 0, 1, part) for part in parts[1:-1]]
    return f.frame(f.HEADERS, 0, 1, parts[0]) + b"".join(rest) + f.frame(f.CONTINUATION, f.END_HEADERS, 1, parts[-1])


def _unfinished() -> bytes:
    return f.frame(f.HEADERS, f.END_STREAM, 1, f.block(head("Unary")))


def _long_piece() -> bytes:
    """A CONTINUATION as long as a frame may be."""
    return f.frame(f.CONTINUATION, 0, 1, f.literal("x-long", "a" * 16_000))
