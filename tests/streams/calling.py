"""Calls of `tests.streams.application`, message by message where a test needs that."""

import queue
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self

import grpc

from tests.streams.application import SERVICE

PATIENCE = 30.0  # seconds
Metadata = Sequence[tuple[str, str | bytes]]


def unary(via: grpc.Channel, method: str, message: bytes = b"", *metadata: tuple[str, str | bytes]) -> bytes:
    """The one answer. Raises grpc.RpcError."""
    answer: bytes = via.unary_unary(f"/{SERVICE}/{method}", _same, _same)(message, PATIENCE, metadata=metadata)
    return answer


def begin(via: grpc.Channel, method: str, message: bytes, *metadata: tuple[str, str | bytes]) -> Any:
    """A begun call of one message and one answer: a grpc.Future that is a grpc.Call."""
    return via.unary_unary(f"/{SERVICE}/{method}", _same, _same).future(message, PATIENCE, metadata=metadata)


def sending(
    via: grpc.Channel, method: str, messages: Iterable[bytes], *metadata: tuple[str, str], limit: float = PATIENCE
) -> Any:
    """A begun call of both streams: an iterator of answers that is a grpc.Call."""
    return via.stream_stream(f"/{SERVICE}/{method}", _same, _same)(iter(messages), limit, metadata=metadata)


class Outgoing:
    """The messages of a call that stays open until `close`: each is sent when the test says so."""

    def __init__(self) -> None:
        self._messages: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def send(self, message: bytes) -> None:
        self._messages.put(message)

    def close(self) -> None:
        """End our side."""
        self._messages.put(None)

    def __iter__(self) -> Iterator[bytes]:
        while (message := self._messages.get()) is not None:
            yield message


def _same(message: bytes) -> bytes:
    return message
