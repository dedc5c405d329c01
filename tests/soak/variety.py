"""Calls of every kind, in threads, each with the endings that it asks for."""

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import grpc

from tests.soak.expected import Ending, Ledger, Made
from tests.support.echo_server import SERVICE

OK: frozenset[Ending] = frozenset({(grpc.StatusCode.OK, None)})
CANCELLED: frozenset[Ending] = frozenset({(grpc.StatusCode.CANCELLED, None)})
# The caller's own library may end it first, or the mesh: both say so.
DEADLINE: frozenset[Ending] = frozenset(
    {(grpc.StatusCode.DEADLINE_EXCEEDED, None), (grpc.StatusCode.DEADLINE_EXCEEDED, "deadline")}
)
SIZES = (0, 1, 100, 100, 100, 4_000, 16_384, 70_000, 1 << 20)
BIG = 16 << 20
STATUSES = tuple(code for code in grpc.StatusCode if code is not grpc.StatusCode.OK)
LIMIT = 30.0  # seconds; a call that takes longer has hung
PAUSE = 0.005  # seconds between two calls of a lane
SLOW = 0.05  # seconds between two reads of a slow reader

Metadata = list[tuple[str, str | bytes]]


@dataclass
class Shape:
    """What is sent, and how it may end. `after` reads is a cancel."""

    method: str
    messages: list[bytes]
    own: frozenset[Ending] = OK
    metadata: Metadata = field(default_factory=list)
    limit: float = LIMIT
    cancel_after: int | None = None
    read_pause: float = 0.0
    wanted: list[bytes] | None = None


def unary(random_: random.Random) -> Shape:
    message = random_.randbytes(random_.choice(SIZES))
    return Shape("Unary", [message], wanted=[message])


def server_stream(random_: random.Random) -> Shape:
    message, replies = random_.randbytes(random_.choice(SIZES[:7])), random_.randint(1, 50)
    return Shape("ServerStream", [message], metadata=[("x-replies", str(replies))], wanted=[message] * replies)


def client_stream(random_: random.Random) -> Shape:
    messages = [random_.randbytes(random_.choice(SIZES[:7])) for _ in range(random_.randint(0, 20))]
    return Shape("ClientStream", messages, wanted=[b"".join(messages)])


def bidi(random_: random.Random) -> Shape:
    messages = [random_.randbytes(random_.choice(SIZES[:7])) for _ in range(random_.randint(0, 50))]
    return Shape("Bidi", messages, wanted=messages)


def big(random_: random.Random) -> Shape:
    message = random_.randbytes(BIG)
    return Shape("Bidi", [message], wanted=[message])


def error(random_: random.Random) -> Shape:
    code = random_.choice(STATUSES)
    own: frozenset[Ending] = frozenset({(code, None)})
    asked: Metadata = [("x-status", str(code.value[0])), ("x-message-bin", b"as asked"), ("x-replies", "0")]
    return Shape(random_.choice(("Unary", "ServerStream")), [b"?"], own, asked)


def deadline(random_: random.Random) -> Shape:
    return Shape("Unary", [b"?"], DEADLINE, [("x-wait-ms", "2000")], limit=random_.uniform(0.01, 0.2))


def cancel(random_: random.Random) -> Shape:
    asked: Metadata = [("x-replies", "100000")]
    return Shape("ServerStream", [bytes(1000)], CANCELLED, asked, cancel_after=random_.randint(0, 20))


def slow_reader(random_: random.Random) -> Shape:
    """The application is stopped by its windows, and nobody else is."""
    return Shape(
        "ServerStream", [bytes(60_000)], metadata=[("x-replies", "60")], read_pause=SLOW, wanted=[bytes(60_000)] * 60
    )


# How often each is made, of 100.
MIX: tuple[tuple[int, Callable[[random.Random], Shape]], ...] = (
    (50, unary),
    (12, server_stream),
    (8, client_stream),
    (12, bidi),
    (6, error),
    (5, deadline),
    (5, cancel),
    (1, big),
    (1, slow_reader),
)


@dataclass
class Lanes:
    """Threads that call one after the other until stopped; a channel for every two lanes."""

    connect: Callable[[], grpc.Channel]
    ledger: Ledger
    seed: int
    lanes: int = 8
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _channels: list[grpc.Channel] = field(default_factory=list)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Call while this lasts; then every call ends by itself."""
        self._channels = [self.connect() for _ in range(self.lanes // 2)]
        for lane in range(self.lanes):
            thread = threading.Thread(target=self._lane, args=(lane,), name=f"lane-{lane}")
            self._threads.append(thread)
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join()
            for channel in self._channels:
                channel.close()

    def _lane(self, lane: int) -> None:
        random_ = random.Random(self.seed * 1_000 + lane)
        weights, makers = [weight for weight, _ in MIX], [maker for _, maker in MIX]
        while not self._stop.wait(PAUSE):
            (maker,) = random_.choices(makers, weights)
            self.ledger.add(make(self._channels[lane // 2], maker.__name__, maker(random_)))


def make(via: grpc.Channel, kind: str, shape: Shape) -> Made:
    """One call, to its end."""
    begun, received = time.monotonic(), list[bytes]()
    rpc: Any = via.stream_stream(f"/{SERVICE}/{shape.method}", _same, _same)
    call = rpc(iter(shape.messages), shape.limit, metadata=tuple(shape.metadata))
    with contextlib.suppress(grpc.RpcError):  # the status is judged by the ledger
        _read(call, shape, received)
    trailing = dict(call.trailing_metadata() or ())
    code = call.code()
    return Made(
        kind,
        (code, trailing.get("tulle-reason")),
        shape.own,
        begun,
        time.monotonic(),
        call.details() or "",
        _is_whole(shape, received, code),
    )


def _read(call: Any, shape: Shape, received: list[bytes]) -> None:
    if shape.cancel_after == 0:
        call.cancel()
    for message in call:
        received.append(message)
        if len(received) == shape.cancel_after:
            call.cancel()
        if shape.read_pause:
            time.sleep(shape.read_pause)


def _is_whole(shape: Shape, received: list[bytes], code: grpc.StatusCode) -> bool:
    """All that was wanted; before a failure the beginning of it."""
    if shape.wanted is None:
        return True
    wanted = shape.wanted if code is grpc.StatusCode.OK else shape.wanted[: len(received)]
    return received == wanted


def _same(message: bytes) -> bytes:
    return message
