"""Python's h2 and hpack as independent peers of both roles."""

import random
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.events
import pytest
from hpack import HeaderTuple, NeverIndexedHeaderTuple

Pairs = list[tuple[bytes, bytes]]


@dataclass
class Answer:
    """What came back on one stream."""

    headers: Pairs = field(default_factory=list)
    body: bytes = b""
    trailers: Pairs = field(default_factory=list)
    ended: bool = False


class Client:
    """A blocking h2 client of our echo server."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        self.h2.initiate_connection()
        self.answers: dict[int, Answer] = {}
        self.pending: dict[int, bytes] = {}

    def send(self, headers: Pairs, body: bytes) -> int:
        stream = self.h2.get_next_available_stream_id()
        head = [(b":method", b"POST"), (b":scheme", b"http"), (b":path", b"/"), (b":authority", b"x")]
        self.h2.send_headers(stream, [*head, *headers])
        self.answers[stream] = Answer()
        self.pending[stream] = body
        self.push_bodies()
        return stream

    def push_bodies(self) -> None:
        for stream, body in list(self.pending.items()):
            rest = body
            while rest and (room := min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)):
                self.h2.send_data(stream, rest[:room])
                rest = rest[room:]
            self.pending[stream] = rest
            if not rest:
                del self.pending[stream]
                self.h2.end_stream(stream)
        self.sock.sendall(self.h2.data_to_send())

    def wait(self, stream: int) -> Answer:
        while not self.answers[stream].ended:
            data = self.sock.recv(65_536)
            assert data, "the server hung up"
            for event in self.h2.receive_data(data):
                self.take(event)
            self.push_bodies()
        return self.answers[stream]

    def take(self, event: h2.events.Event) -> None:
        match event:
            case h2.events.ResponseReceived(stream_id=stream, headers=headers):
                self.answers[stream].headers = list(headers[1:])
            case h2.events.TrailersReceived(stream_id=stream, headers=headers):
                self.answers[stream].trailers = list(headers)
            case h2.events.DataReceived(stream_id=stream, data=data, flow_controlled_length=length):
                self.answers[stream].body += data
                if length:
                    self.h2.acknowledge_received_data(length, stream)
            case h2.events.StreamEnded(stream_id=stream):
                self.answers[stream].ended = True
            case h2.events.StreamReset() | h2.events.ConnectionTerminated():
                pytest.fail(f"unexpected: {event}")


@pytest.fixture
def client(echo_port: int) -> Iterator[Client]:
    with socket.create_connection(("127.0.0.1", echo_port), timeout=20) as sock:
        yield Client(sock)


def random_pairs(chance: random.Random) -> Pairs:
    names = ["x-tenant", "x-shard", "x-a", "x-trace-bin", "x-" + "".join(chance.choices("abcdef-09", k=7))]
    values = ["same", "", "".join(chance.choices([chr(c) for c in range(33, 127)], k=chance.randint(1, 200)))]
    return [(chance.choice(names).encode(), chance.choice(values).encode()) for _ in range(chance.randint(0, 20))]


def test_random_header_lists_survive_the_way_there_and_back(client: Client) -> None:
    chance = random.Random(7541)
    for _ in range(300):
        pairs = random_pairs(chance)
        answer = client.wait(client.send(pairs, b"body"))
        assert answer.headers == pairs
        assert answer.body == b"body"


def test_never_indexed_fields_stay_never_indexed(client: Client) -> None:
    secret = NeverIndexedHeaderTuple(b"x-secret", b"s3cret")
    for _ in range(3):
        answer = client.wait(client.send([secret, HeaderTuple(b"x-open", b"1")], b""))
        kinds = [(header[0], isinstance(header, NeverIndexedHeaderTuple)) for header in answer.headers]
        assert kinds == [(b"x-secret", True), (b"x-open", False)]


def test_calls_at_once_with_large_bodies_come_back_whole(client: Client) -> None:
    bodies = {client.send([], body := bytes([n]) * 150_000): body for n in range(8)}
    for stream, body in bodies.items():
        assert client.wait(stream).body == body


def test_a_changed_table_size_is_honoured(client: Client) -> None:
    pairs = [(b"x-tenant", b"acme"), (b"x-region", b"north")]
    for size in (4_096, 0, 100, 4_096, 64, 65_536):
        client.h2.update_settings({1: size})
        for _ in range(3):
            answer = client.wait(client.send(pairs, b""))
            assert answer.headers == pairs


def serve_h2(listener: socket.socket) -> None:
    """Answers the calls of one connection with their bodies, until it closes."""
    sock, _ = listener.accept()
    with sock:
        conn = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        conn.initiate_connection()
        bodies: dict[int, bytearray] = {}
        ended: set[int] = set()
        sock.sendall(conn.data_to_send())
        while data := sock.recv(65_536):
            for event in conn.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    bodies[event.stream_id] = bytearray()
                    conn.send_headers(event.stream_id, [(":status", "200")])
                elif isinstance(event, h2.events.DataReceived):
                    bodies[event.stream_id] += event.data
                    conn.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, h2.events.StreamEnded):
                    ended.add(event.stream_id)
            for stream in sorted(ended):
                body = bodies[stream]
                while body and (room := min(conn.local_flow_control_window(stream), conn.max_outbound_frame_size)):
                    conn.send_data(stream, bytes(body[:room]))
                    del body[:room]
                if not body:
                    conn.end_stream(stream)
                    ended.discard(stream)
            sock.sendall(conn.data_to_send())


@pytest.mark.parametrize(("calls", "size"), [(1, 0), (1, 400_000), (250, 700)])
def test_our_client_is_served_by_h2(echo_program: str, calls: int, size: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve_h2, args=(listener,))
        server.start()
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        command = [echo_program, "call", address, str(calls), str(size)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        server.join(timeout=20)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"200 {size} true"] * calls
