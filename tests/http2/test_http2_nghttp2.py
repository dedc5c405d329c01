"""nghttp2's tools as independent peers of both roles."""

import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def nghttpd_port(nghttpd: str) -> Iterator[int]:
    """The port of an nghttpd that echoes uploads."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    command = [nghttpd, "--no-tls", "--echo-upload", "-v", "-a", "127.0.0.1", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        assert server.stdout is not None
        line = next((line for line in server.stdout if "listen" in line), "")
        assert str(port) in line, "nghttpd did not come up"
        # It tells each frame; nobody reads that, so its pipe must not fill.
        drain = subprocess.Popen(["cat"], stdin=server.stdout, stdout=subprocess.DEVNULL)
        yield port
        server.terminate()
        server.wait(timeout=10)
        drain.wait(timeout=10)


def run(*command: str) -> str:
    """The standard output of a command that must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def test_nghttp_gets_its_upload_back_from_our_server(nghttp: str, echo_port: int, tmp_path: Path) -> None:
    body = tmp_path / "body"
    body.write_text("tulle " * 40_000)
    assert run(nghttp, "-d", str(body), f"http://127.0.0.1:{echo_port}/echo") == body.read_text()


def test_nghttp_gets_its_fields_and_trailers_back(nghttp: str, echo_port: int, tmp_path: Path) -> None:
    body = tmp_path / "body"
    body.write_text("x")
    url = f"http://127.0.0.1:{echo_port}/"
    out = run(nghttp, "-nv", "-H", "x-tenant: acme", "--trailer", "x-end: yes", "-d", str(body), url)
    received = re.findall(r"recv \(stream_id=\d+.*?\) (\S+): (\S+)", re.sub(r"\x1b\[[0-9;]*m", "", out))
    assert ("x-tenant", "acme") in received
    assert ("x-end", "yes") in received


def test_nghttp_with_padding_and_continuations_is_understood(nghttp: str, echo_port: int, tmp_path: Path) -> None:
    body = tmp_path / "body"
    body.write_text("padded " * 10_000)
    url = f"http://127.0.0.1:{echo_port}/"
    assert run(nghttp, "--padding=200", "--continuation", "-d", str(body), url) == body.read_text()


def test_nghttp_with_small_windows_and_tables_is_served(nghttp: str, echo_port: int, tmp_path: Path) -> None:
    body = tmp_path / "body"
    # One letter throughout: the answers of five streams come out interleaved.
    body.write_text("n" * 140_000)
    narrow = ["--window-bits=10", "--connection-window-bits=16", "--header-table-size=0", "-m", "5"]
    out = run(nghttp, *narrow, "-d", str(body), f"http://127.0.0.1:{echo_port}/")
    assert out == body.read_text() * 5


def test_h2load_finishes_thousands_of_calls_without_a_failure(h2load: str, echo_port: int, tmp_path: Path) -> None:
    body = tmp_path / "body"
    body.write_text("p" * 100)
    out = run(h2load, "-n", "5000", "-c", "5", "-m", "20", "-d", str(body), f"http://127.0.0.1:{echo_port}/")
    assert "5000 succeeded, 0 failed, 0 errored" in out
    assert "status codes: 5000 2xx" in out


@pytest.mark.parametrize(("calls", "size"), [(1, 0), (1, 500_000), (300, 1_000)])
def test_our_client_gets_its_uploads_back_from_nghttpd(
    echo_program: str, nghttpd_port: int, calls: int, size: int
) -> None:
    out = run(echo_program, "call", f"127.0.0.1:{nghttpd_port}", str(calls), str(size))
    assert out.splitlines() == [f"200 {size} true"] * calls
