"""Through two sidecars a call is what it is without them: messages, status, details and metadata, byte for byte."""

import grpc
import pytest

from tests.support.echo_client import KINDS, Metadata, Seen, call
from tests.support.mesh import Mesh

MESSAGES = [b"", b"\x00\xff one", b"x" * 16_384, b"y" * 70_000]
CASES: dict[str, Metadata] = {
    "plain": [],
    "metadata both ways": [
        ("x-initial-a", "1"),
        ("x-initial-a", "2"),
        ("x-initial-b-bin", bytes(range(256))),
        ("x-trailing-c", "three words here"),
        ("x-trailing-d-bin", b"\x00\x00"),
    ],
    "a status in trailers": [("x-status", "9"), ("x-message-bin", "größer % than\n100 % ✓".encode())],
    "a status with details": [
        ("x-status", "7"),
        ("x-message-bin", b"no"),
        ("x-details-bin", b"\x08\x07\x12\x02no"),
        ("x-trailing-e", "kept"),
    ],
    "a trailers-only answer": [("x-status", "5"), ("x-message-bin", b"absent"), ("x-replies", "0")],
}


def comparable(seen: Seen) -> tuple[object, ...]:
    """Metadata as sets of pairs in order of name: gRPC keeps the order within a name only."""
    by_name = [tuple(sorted(pairs, key=lambda pair: pair[0])) for pairs in (seen.initial, seen.trailing)]
    return (seen.messages, seen.code, seen.details, *by_name)


@pytest.mark.real
def test_every_call_kind_through_two_sidecars_equals_the_direct_call(mesh: Mesh) -> None:
    (echo,), client = mesh.service("echo"), mesh.caller()
    mesh.allow("echo", "client")
    mesh.reaches(client, "echo")
    with echo.direct() as direct, client.channel("echo") as meshed, client.proxied("echo") as proxied:
        for kind in KINDS:
            for name, metadata in CASES.items():
                expected = comparable(call(direct, kind, MESSAGES, metadata))
                assert comparable(call(meshed, kind, MESSAGES, metadata)) == expected, (kind, name)
                assert comparable(call(proxied, kind, MESSAGES, metadata)) == expected, (kind, name, "by CONNECT")


@pytest.mark.real
def test_a_message_of_100_mb_comes_back_whole(mesh: Mesh) -> None:
    mesh.service("echo")
    client = mesh.caller()
    mesh.allow("echo", "client")
    mesh.reaches(client, "echo")
    message = bytes(range(256)) * (100 * 2**20 // 256)
    with client.channel("echo") as via:
        seen = call(via, "Bidi", [message], timeout=90)
    assert seen.code is grpc.StatusCode.OK
    assert len(seen.messages) == 1
    assert seen.messages[0] == message


@pytest.mark.real
def test_a_cancelled_call_is_cancelled_at_the_application(mesh: Mesh) -> None:
    (echo,), client = mesh.service("echo"), mesh.caller()
    mesh.allow("echo", "client")
    mesh.reaches(client, "echo")
    with client.channel("echo") as via:
        seen = call(via, "Unary", [b"x"], [("x-wait-ms", "10000"), ("x-call-id", "slow")], timeout=0.5)
    assert seen.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert echo.recorded() == ["slow"]
