"""A caller that reads slowly, frame by frame, by one of the two ways in which a reader holds its sender back."""

import socket
import time
from dataclasses import dataclass

from tests.conformance import frames as f
from tests.conformance.peer import Peer
from tests.peers.proto import peers_pb2 as pb

RATE = 64 * 1024  # bytes a second
GRACE = 60.0
PATH = "/tulle.peers.v1.Peers/Down"
BY_WINDOW, BY_SOCKET = "window", "socket"


@dataclass
class Read:
    """What came: bytes of messages, and the status if there was one."""

    size: int = 0
    status: str = ""


def begin(address: str, authority: str, ask: pb.Ask, how: str) -> Peer:
    """A call of Down on a connection of its own."""
    host, _, port = address.rpartition(":")
    sock = socket.socket()
    if how == BY_SOCKET:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 * 1024)
    sock.connect((host, int(port)))
    window = RATE if how == BY_WINDOW else 2**24
    peer = Peer(sock).greet((f.INITIAL_WINDOW_SIZE, window))
    pseudo = ((":method", "POST"), (":scheme", "http"), (":path", PATH), (":authority", authority))
    fields = (*pseudo, ("content-type", "application/grpc"), ("te", "trailers"))
    if how == BY_SOCKET:
        peer.send(f.window_update(0, 2**24))
    peer.send(f.headers(1, fields), f.data(1, f.message(ask.SerializeToString()), f.END_STREAM))
    return peer


def read(peer: Peer, how: str) -> Read:
    """To the end of the stream or of the connection, at RATE."""
    came, begun = Read(), time.monotonic()
    while time.monotonic() - begun < GRACE:
        frame = peer.read(GRACE)
        if frame is None:
            return came
        if frame.kind == f.HEADERS:
            fields = {str(name): str(value) for name, value in peer.decoder.decode(frame.payload)}
            came.status = fields.get("grpc-status", came.status)
        if frame.stream == 1 and (frame.kind == f.RST_STREAM or (frame.flags & f.END_STREAM and frame.kind != f.DATA)):
            return came
        if frame.kind == f.DATA and frame.payload:
            came.size += len(frame.payload)
            _wait(begun, came.size)
            if how == BY_WINDOW:
                peer.send(f.window_update(0, len(frame.payload)), f.window_update(1, len(frame.payload)))
        if frame.kind == f.PING and not frame.flags & f.ACK:
            peer.send(f.ping(frame.payload, f.ACK))
    return came


def _wait(begun: float, size: int) -> None:
    """Until so much may have been read."""
    time.sleep(max(0.0, begun + size / RATE - time.monotonic()))
