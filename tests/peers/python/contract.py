"""What an Ask asks for, as grpcio says it."""

from collections.abc import Iterable

import grpc

from tests.peers.proto import peers_pb2 as pb

Metadata = tuple[tuple[str, str | bytes], ...]


def code(ask: pb.Ask) -> grpc.StatusCode:
    """The status that the call ends with."""
    return next(status for status in grpc.StatusCode if status.value[0] == ask.fail_code)


def fields(asked: Iterable[pb.Field]) -> Metadata:
    """One field of a value, or as many as were asked for."""
    made: list[tuple[str, str | bytes]] = []
    for field in asked:
        if field.value:
            made.append((field.name, field.value))
        made += [(f"{field.name}-{number}", "v" * field.bytes) for number in range(field.count)]
    return tuple(made)


def trailers(ask: pb.Ask) -> Metadata:
    details = (("grpc-status-details-bin", b"\0" * ask.details_bytes),) if ask.details_bytes else ()
    return (*fields(ask.trailers), *details)


def answer(ask: pb.Ask) -> pb.Answer:
    """The blob back, or another of the size that was asked for."""
    blob = b"\0" * ask.answer_bytes or ask.blob
    return pb.Answer(blob=blob, received_bytes=len(ask.blob), received_messages=1)


def options(max_connection_age_ms: int) -> list[tuple[str, int]]:
    """A server's: default but for what a flag says."""
    age = [("grpc.max_connection_age_ms", max_connection_age_ms)] if max_connection_age_ms else []
    return [("grpc.so_reuseport", 0), *age]
