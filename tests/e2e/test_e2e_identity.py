"""Who may come in: only a workload of this mesh, where a policy says so; refused before any application byte."""

import socket
import ssl
from pathlib import Path

import grpc
import pytest

from bench import certificates
from tests.support import echo_client
from tests.support.mesh import Mesh

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")


@pytest.mark.real
def test_a_caller_without_an_access_policy_is_denied_by_name(mesh: Mesh) -> None:
    (echo,), client, stranger = mesh.service("echo"), mesh.caller(), mesh.caller("stranger")
    mesh.allow("echo", "client")
    mesh.reaches(client, "echo")
    with stranger.channel("echo") as via:
        seen = echo_client.call(via, "Unary", [b"x"], [("x-call-id", "stranger")])
    assert seen.code is grpc.StatusCode.PERMISSION_DENIED
    assert seen.reason() == "denied"
    assert "spiffe://test.local/test/stranger" in seen.details
    assert "AccessPolicy" in seen.details
    assert "stranger" not in echo.recorded()


@pytest.mark.real
def test_an_unauthenticated_peer_is_refused_before_any_application_byte(mesh: Mesh, tmp_path: Path) -> None:
    (echo,) = mesh.service("echo")
    host, _, port = echo.addresses["inbound"].rpartition(":")
    foreign = certificates.make(tmp_path)
    assert _plaintext_answer(host, int(port)) == b""
    assert not _handshake(host, int(port), None), "a client without a certificate was let in"
    assert not _handshake(host, int(port), (str(foreign.client), str(foreign.client_key))), "another CA was let in"
    assert echo.recorded() == []


def _plaintext_answer(host: str, port: int) -> bytes:
    """What HTTP/2 in plaintext gets back, TLS alerts (record type 21) aside."""
    with socket.create_connection((host, port), timeout=10) as peer:
        peer.sendall(PREFACE)
        try:
            answer = peer.recv(4096)
        except ConnectionResetError:
            return b""
    return b"" if answer[:1] == b"\x15" else answer


def _handshake(host: str, port: int, pair: tuple[str, str] | None) -> bool:
    """Whether the server takes this client: with TLS 1.3 its verdict on our certificate comes with the first read."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    if pair:
        context.load_cert_chain(*pair)
    with socket.create_connection((host, port), timeout=10) as plain:
        try:
            with context.wrap_socket(plain) as tls:
                tls.sendall(PREFACE)
                return bool(tls.recv(4096))
        except (ssl.SSLError, ConnectionResetError):
            return False
