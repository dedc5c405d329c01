"""What the peer tests share: the codec's echo program, built once, and tools that must be there."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ENGINE = Path(__file__).parents[2] / "engine"


def tool(name: str, package: str) -> str:
    """The path of a peer's program; fails with the line that installs it."""
    path = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))
    if path is None:
        pytest.fail(f"{name} is not installed; run: sudo apt-get install -y {package}")
    return path


@pytest.fixture(scope="session")
def nghttp() -> str:
    """nghttp2's client."""
    return tool("nghttp", "nghttp2-client")


@pytest.fixture(scope="session")
def h2load() -> str:
    """nghttp2's load generator."""
    return tool("h2load", "nghttp2-client")


@pytest.fixture(scope="session")
def nghttpd() -> str:
    """nghttp2's server."""
    return tool("nghttpd", "nghttp2-server")


@pytest.fixture(scope="session")
def echo_program() -> str:
    """The path of `examples/echo.rs`, built."""
    cargo = shutil.which("cargo")
    if cargo is None:
        pytest.fail("cargo is not installed; run: curl --proto '=https' -sSf https://sh.rustup.rs | sh -s -- -y")
    command = [cargo, "build", "-q", "-p", "tulle-http2", "--example", "echo", "--message-format", "json"]
    built = subprocess.run(command, cwd=ENGINE, capture_output=True, text=True, check=False, timeout=600)
    assert built.returncode == 0, built.stderr
    messages = [json.loads(line) for line in built.stdout.splitlines()]
    return next(str(m["executable"]) for m in messages if m.get("target", {}).get("name") == "echo")


@pytest.fixture
def echo_port(echo_program: str) -> Iterator[int]:
    """The port of a running echo server; it ends with its standard input."""
    with subprocess.Popen([echo_program, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield int(server.stdout.readline())
        assert server.stdin is not None
        server.stdin.close()
        assert server.wait(timeout=10) == 0
