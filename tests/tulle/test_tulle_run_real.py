"""`tulle run` with a real sidecar: exit codes, order at the stop, tokens, refusals."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.waiting import until
from tulle.main import run

pytestmark = pytest.mark.real

SECONDS = 40
# Tries the outbound listener after SIGTERM: it must still answer then.
LAST_CALL = """
import os, signal, socket, sys
host, port = os.environ["TULLE_OUTBOUND"].split(":")
def leave(*_):
    socket.create_connection((host, int(port)), 5).close()
    print("outbound answers at the end", flush=True)
    sys.exit(5)
signal.signal(signal.SIGTERM, leave)
print("up", flush=True)
while True:
    signal.pause()
"""
# A lease is kept every three seconds: this takes longer than that.
SLOW_TO_END = """
"$0" -m tests.support.echo_server --port "$1" &
trap "sleep 4; kill $!; exit 3" TERM
wait
"""


@dataclass
class Mesh:
    """A control plane, and `tulle run` beside it in a folder."""

    folder: Path
    credentials: str
    tokens: list[str] = field(default_factory=list)

    def run(
        self, *arguments: str, state: str = "state", token: str | None = None
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.command(*arguments, state=state),
            env=os.environ | ({"TULLE_TOKEN": token} if token else {}),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def command(self, *arguments: str, state: str = "state", flags: tuple[str, ...] = ()) -> list[str]:
        named = ["--service", "shop/orders", "--state", str(self.folder / state), "--grace", "5s", *flags]
        return [sys.executable, "-m", "tulle", "run", *named, "--", *arguments]

    def instances(self) -> list[str]:
        """Who is registered, well or not."""
        command = [sys.executable, "-m", "tulle", "get", "instances", "shop/orders", "-o", "json"]
        command += ["--credentials", self.credentials]
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True)
        return [one["id"] for one in json.loads(done.stdout)]


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("plane")
    flags = ["--data", str(folder / "cp"), "--listen", "127.0.0.1:0"]
    with (
        (folder / "stderr").open("w") as log,
        subprocess.Popen(
            [sys.executable, "-m", "tulle", "control-plane", *flags], stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, (folder / "stderr").read_text()
        yield str(json.loads(line)["credentials"])
        process.terminate()


@pytest.fixture
def mesh(plane: str, tmp_path: Path) -> Mesh:
    return Mesh(tmp_path, plane)


@pytest.fixture
def token(mesh: Mesh, capsys: pytest.CaptureFixture[str]) -> str:
    assert run(["token", "create", "shop/orders", "-q", "--credentials", mesh.credentials], {}, mesh.folder) == 0
    return capsys.readouterr().out.strip()


def errors(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("error[")]


def test_the_command_runs_after_the_ready_line_and_its_exit_code_is_ours(mesh: Mesh, token: str) -> None:
    done = mesh.run("sh", "-c", 'echo "$grpc_proxy token=${TULLE_TOKEN:-none}"; exit 7', token=token)
    ready, told = done.stdout.splitlines()
    assert json.loads(ready)["service"] == "shop/orders"
    assert told == f"http://{json.loads(ready)['outbound']} token=none"
    assert done.returncode == 7


def test_an_identity_is_kept_and_a_used_token_opens_nothing_else(mesh: Mesh, token: str) -> None:
    assert mesh.run("true", token=token).returncode == 0
    assert mesh.run("true").returncode == 0
    refused = mesh.run("true", state="another", token=token)
    assert refused.returncode == 1
    assert len(errors(refused.stderr)) == 1
    assert "the join token has been used" in errors(refused.stderr)[0]


def test_no_token_and_a_mangled_one_are_usage_errors_with_their_remedy(mesh: Mesh) -> None:
    without = mesh.run("true", state="fresh")
    assert without.returncode == 2
    assert "tulle token create shop/orders" in errors(without.stderr)[0]
    mangled = mesh.run("true", state="fresh", token="abc")
    assert mangled.returncode == 2
    assert errors(mangled.stderr)[0].startswith("error[usage]: --token (TULLE_TOKEN): ")


def test_at_a_stop_the_command_ends_first_and_its_own_calls_still_go_out(mesh: Mesh, token: str) -> None:
    environment = os.environ | {"TULLE_TOKEN": token}
    command = mesh.command(sys.executable, "-c", LAST_CALL)
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "outbound answers at the end\n"
        assert process.wait(timeout=SECONDS) == 5


def test_who_takes_its_time_to_end_is_not_registered_again_meanwhile(mesh: Mesh, token: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
    command = mesh.command("sh", "-c", SLOW_TO_END, sys.executable, port, flags=("--port", port))
    with subprocess.Popen(
        command,
        env=os.environ | {"TULLE_TOKEN": token},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        until(mesh.instances, "a registered instance")
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=SECONDS) == 3
    assert mesh.instances() == []


def test_a_command_that_cannot_be_executed_is_said_and_ends_with_127(mesh: Mesh, token: str) -> None:
    broken = mesh.folder / "broken"
    broken.write_text("#!/no/such/interpreter\n")
    broken.chmod(0o755)
    done = mesh.run(str(broken), token=token)
    assert done.returncode == 127
    assert errors(done.stderr) == [f"error[not_started]: {broken}: no such command, or no such interpreter"]
