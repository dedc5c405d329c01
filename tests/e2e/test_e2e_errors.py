"""Bad input of each kind: one clear line with cause and remedy, the exit code of the design, nothing half-applied."""

import base64
import json
import socket
from pathlib import Path

import pytest

from protos.tulle.v1 import identity_pb2
from tests.support.mesh import NAMESPACE, Mesh
from tests.support.process import Child

GOOD = "apiVersion: tulle.dev/v1\nkind: Service\nmetadata: {name: fine, namespace: test}\nspec: {}\n"
BAD = """\
apiVersion: tulle.dev/v1
kind: TrafficPolicy
metadata: {name: echo, namespace: test}
spec:
  targetRefs: [{kind: Service, name: echo}]
  retry: {atempts: 9}
"""


def one_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line]
    assert len(lines) == 1, text
    return lines[0]


@pytest.mark.real
def test_a_bad_document_is_named_by_file_line_and_field_and_nothing_of_the_folder_is_written(mesh: Mesh) -> None:
    folder = mesh.folder / "documents"
    folder.mkdir()
    (folder / "a-good.yaml").write_text(GOOD)
    (folder / "b-bad.yaml").write_text(BAD)
    done = mesh.tulle("apply", "-f", str(folder), check=False)
    assert done.returncode == 1
    assert "b-bad.yaml:6" in done.stderr
    assert "atempts" in done.stderr
    assert "did you mean 'attempts'" in done.stderr
    assert json.loads(mesh.tulle("get", "Service", "-o", "json").stdout) == []
    assert json.loads(mesh.tulle("history", "-o", "json").stdout) == []


@pytest.mark.real
def test_a_bad_flag_is_named_with_its_remedy(mesh: Mesh) -> None:
    done = mesh.tulle("sidecar", "--service", "test/echo", "--outbound", "0.0.0.0:1", check=False)
    assert done.returncode == 2
    assert "--outbound" in one_line(done.stderr)
    assert "127.0.0.1" in done.stderr
    unknown = mesh.tulle("apply", "--fil", "x", check=False)
    assert unknown.returncode == 2
    assert "--file" in unknown.stderr


@pytest.mark.real
def test_a_busy_port_is_named_with_its_flag(mesh: Mesh) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        address = f"127.0.0.1:{busy.getsockname()[1]}"
        arguments = ["sidecar", "--service", f"{NAMESPACE}/echo", "--outbound", address, "--admin", "127.0.0.1:0"]
        arguments += ["--control-plane", mesh.control_address, "--token", mesh.token("echo")]
        sidecar = mesh.tulle(*arguments, "--state", str(mesh.folder / "state"), check=False)
        plane = mesh.tulle("control-plane", "--listen", address, "--data", str(mesh.folder / "other"), check=False)
    for done, flag in ((sidecar, "--outbound"), (plane, "--listen")):
        assert done.returncode == 2, done.stderr
        last = done.stderr.splitlines()[-1]
        assert flag in last
        assert address in last
        assert "in use" in last


@pytest.mark.real
def test_an_unreachable_control_plane_is_exit_code_3(mesh: Mesh) -> None:
    assert mesh.control is not None
    mesh.control.stop()
    done = mesh.tulle("get", "Service", check=False)
    assert done.returncode == 3
    assert mesh.control_address in one_line(done.stderr)
    assert "tulle control-plane" in done.stderr
    mesh.start_control_plane()


@pytest.mark.real
@pytest.mark.parametrize("fault", ["mangled", "used", "of another mesh"])
def test_a_wrong_token_is_refused_in_one_line(mesh: Mesh, tmp_path: Path, fault: str) -> None:
    token = mesh.token("echo")
    if fault == "mangled":
        token = token[:-20] + "x"
    elif fault == "used":
        mesh.service("other")
        token = _used(mesh)
    else:
        token = _foreign(tmp_path / "foreign", token)
    arguments = ["sidecar", "--service", f"{NAMESPACE}/echo", "--outbound", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
    arguments += ["--control-plane", mesh.control_address, "--state", str(mesh.folder / "wrong")]
    done = mesh.tulle(*arguments, "--token", token, check=False)
    assert done.returncode in {1, 2}, done.stderr
    last = done.stderr.splitlines()[-1]
    assert "token" in last
    assert "tulle token create" in last
    assert not (mesh.folder / "wrong" / "identity" / "key.pem").exists()


def _used(mesh: Mesh) -> str:
    """A token that has let one sidecar in."""
    token = mesh.token("echo")
    arguments = mesh.sidecar_arguments("echo", "first", None, {})
    arguments[arguments.index("--token") + 1] = token
    sidecar = mesh.sidecar_program() + arguments
    first = Child.start("first", sidecar, mesh.folder)
    first.ready()
    first.stop()
    return token


def _foreign(folder: Path, token: str) -> str:
    """A token that another mesh made, with this one's address written into it."""
    folder.mkdir()
    other = Mesh(folder).start_control_plane()
    try:
        theirs = _opened(other.token("echo"))
    finally:
        other.close()
    theirs.control_plane = _opened(token).control_plane
    return base64.urlsafe_b64encode(theirs.SerializeToString()).decode().rstrip("=")


def _opened(token: str) -> identity_pb2.JoinToken:
    return identity_pb2.JoinToken.FromString(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
