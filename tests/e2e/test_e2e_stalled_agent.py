"""The agent's Python stands still for ten seconds while calls flow: the engine does not notice."""

import signal
import sys
from pathlib import Path

import grpc
import pytest

from tests.support.echo_client import call
from tests.support.mesh import Mesh
from tests.support.waiting import until


class StallableMesh(Mesh):
    """Its sidecars can be told to hold the interpreter's lock."""

    def sidecar_program(self) -> list[str]:
        return [sys.executable, "-m", "tests.support.gil_hog"]


@pytest.mark.real
def test_calls_flow_while_the_agents_python_is_stopped(tmp_path: Path) -> None:
    mesh = StallableMesh(tmp_path)
    try:
        mesh.start_control_plane()
        (echo,), client = mesh.service("echo"), mesh.caller()
        mesh.allow("echo", "client")
        mesh.reaches(client, "echo")
        sidecars = [echo.sidecar, client.sidecar]
        for sidecar in sidecars:
            sidecar.process.send_signal(signal.SIGUSR2)
        until(lambda: all("holding" in sidecar.lines for sidecar in sidecars), "both interpreters held")
        codes, calls = set(), 0
        with client.channel("echo") as via:
            while not any("released" in sidecar.lines for sidecar in sidecars):
                codes.add(call(via, "Unary", [b"x"]).code)
                calls += 1
        assert codes == {grpc.StatusCode.OK}
        assert calls > 100
    finally:
        mesh.close()
