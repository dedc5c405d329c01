"""Calls of every kind, and all that a caller can see of one: what must be equal with the mesh and without it."""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import grpc

from tests.support.echo_server import MAX_MESSAGE, SERVICE

Metadata = Sequence[tuple[str, str | bytes]]
KINDS = ("Unary", "ServerStream", "ClientStream", "Bidi")


@dataclass(frozen=True)
class Seen:
    """All that a caller sees of a call."""

    messages: tuple[bytes, ...]
    code: grpc.StatusCode
    details: str
    initial: tuple[tuple[str, str | bytes], ...]
    trailing: tuple[tuple[str, str | bytes], ...]

    def reason(self) -> str | bytes | None:
        return dict(self.trailing).get("tulle-reason")


def channel(target: str, *, authority: str | None = None, proxy: str | None = None) -> grpc.Channel:
    """A channel of its own (no shared subchannels): straight, with an authority, or through an HTTP CONNECT proxy."""
    options: list[tuple[str, str | int]] = [
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.max_receive_message_length", MAX_MESSAGE),
        ("grpc.max_send_message_length", MAX_MESSAGE),
        ("grpc.enable_retries", 0),
        ("grpc.enable_http_proxy", 1 if proxy else 0),
    ]
    if authority:
        options.append(("grpc.default_authority", authority))
    if proxy:
        options.append(("grpc.http_proxy", f"http://{proxy}"))
    return grpc.insecure_channel(target, options=options)


def call(
    via: grpc.Channel, kind: str, messages: Sequence[bytes], metadata: Metadata = (), timeout: float | None = 20
) -> Seen:
    """Make one call and gather everything, whatever its status."""
    path, received = f"/{SERVICE}/{kind}", list[bytes]()
    rpc: Any
    if kind in ("Unary", "ServerStream"):
        rpc = via.unary_stream(path, _same, _same)(messages[0], metadata=tuple(metadata), timeout=timeout)
    else:
        rpc = via.stream_stream(path, _same, _same)(iter(messages), metadata=tuple(metadata), timeout=timeout)
    with contextlib.suppress(grpc.RpcError):  # the status is part of what is seen
        received.extend(rpc)
    return Seen(
        tuple(received),
        rpc.code(),
        rpc.details() or "",
        _pairs(rpc.initial_metadata()),
        _pairs(rpc.trailing_metadata()),
    )


def _same(message: bytes) -> bytes:
    return message


def _pairs(metadata: Iterable[tuple[str, str | bytes]] | None) -> tuple[tuple[str, str | bytes], ...]:
    return tuple((key, value) for key, value in metadata or ())
