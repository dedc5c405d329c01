"""What is not of the mesh goes out directly, or is refused in words before a tunnel is there."""

import http.client
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import pytest

from tests.calls.applications import grpc_application
from tests.calls.caller import PATH
from tests.conformance.lane import CALLER, Lane
from tests.support.mesh import NAMESPACE, Member
from tests.support.process import ROOT

pytestmark = pytest.mark.real

EXPORTS = """
import sys, grpc
with grpc.insecure_channel(sys.argv[1]) as via:
    print(via.unary_unary(sys.argv[2])(b"spans", timeout=5).decode())
"""
MESH = f"""
apiVersion: tulle.dev/v1
kind: Mesh
metadata: {{{{name: mesh, namespace: {NAMESPACE}}}}}
spec: {{{{egress: {{egress}}}}}}
"""
LOCAL = ("localhost", "127.0.0.1", "::1")


@pytest.fixture(scope="module")
def leaving(calls_lane: Lane) -> Iterator[Member]:
    """Only calls."""
    member = calls_lane.join(CALLER, None)
    yield member
    assert member.sidecar.stop() == 0


@contextmanager
def echo() -> Iterator[int]:
    """A server of bytes, no gRPC: what comes goes back."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                sock, _ = listener.accept()
                with sock, suppress(OSError):
                    while got := sock.recv(4096):
                        sock.sendall(got)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def connect(member: Member, target: str) -> http.client.HTTPConnection:
    """A tunnel to `target` by HTTP CONNECT. Raises OSError with the status and reason where it is refused."""
    host, _, port = str(member.addresses["outbound"]).rpartition(":")
    tunnel = http.client.HTTPConnection(host, int(port), timeout=5)
    name, _, target_port = target.rpartition(":")
    tunnel.set_tunnel(name, int(target_port))
    tunnel.connect()
    return tunnel


def refusal(member: Member, target: str) -> str:
    """What a CONNECT is refused with, nothing where it is not."""
    try:
        connect(member, target).close()
    except OSError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_tunnel_to_a_name_that_is_not_of_the_mesh_carries_bytes_as_they_are(host: str, leaving: Member) -> None:
    with echo() as port, closing(connect(leaving, f"{host}:{port}")) as tunnel:
        assert tunnel.sock is not None
        for said in (b"\x16\x03\x01 no http/2", b"PRI * HTTP/2.0\r\n\r\n", b"x" * 1000):
            tunnel.sock.sendall(said)
            got = b""
            while len(got) < len(said):
                piece = tunnel.sock.recv(4096)
                assert piece, f"the tunnel ended after {got!r}"
                got += piece
            assert got == said


def test_a_tunnel_to_nobody_is_refused_before_it_is_there(leaving: Member) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert re.search(r"Tunnel connection failed: 50[234]", refusal(leaving, f"127.0.0.1:{port}"))


def test_a_mesh_that_lets_nothing_out_says_so(calls_lane: Lane, leaving: Member) -> None:
    calls_lane.apply(MESH.format(egress="Deny"))
    try:
        with echo() as port:
            assert re.search(r"Tunnel connection failed: 403 .*egress", refusal(leaving, f"127.0.0.1:{port}"))
    finally:
        calls_lane.apply(MESH.format(egress="Allow"))


@pytest.mark.parametrize("flags", [(), ("--https-proxy",)], ids=["as it is", "with --https-proxy"])
def test_an_exporter_to_a_local_collector_is_left_alone_under_run(flags: tuple[str, ...], calls_lane: Lane) -> None:
    with grpc_application() as port:
        done = run(calls_lane, flags, sys.executable, "-c", EXPORTS, f"127.0.0.1:{port}", PATH)
    assert done.stdout.splitlines()[1:] == ["spans"], done.stderr[-600:]


def test_children_of_run_keep_what_is_local_out_of_the_mesh(calls_lane: Lane) -> None:
    done = run(calls_lane, (), "sh", "-c", 'echo "$no_proxy|$no_grpc_proxy"', no_proxy="example.test")
    plain, _, grpcs_own = done.stdout.splitlines()[1].partition("|")
    for given in (plain, grpcs_own or plain):
        assert {*LOCAL, "example.test"} <= set(given.split(",")), done.stdout


def run(
    lane: Lane, flags: tuple[str, ...], *command: str, no_proxy: str | None = None
) -> "subprocess.CompletedProcess[str]":
    """`tulle run` of a command that only calls."""
    token, state = lane.token("runner"), tempfile.mkdtemp(dir=lane.folder)
    arguments = ["run", "--service", f"{NAMESPACE}/runner", "--state", state, "--control-plane", lane.control_address]
    for flag in ("--outbound", "--inbound", "--admin"):
        arguments += [flag, "127.0.0.1:0"]
    return subprocess.run(
        [sys.executable, "-m", "tulle", *arguments, *flags, "--", *command],
        cwd=ROOT,
        env=os.environ | {"TULLE_TOKEN": token} | ({"no_proxy": no_proxy} if no_proxy else {}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
