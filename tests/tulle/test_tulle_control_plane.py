"""The verbs against a real control plane: revisions, errors with their exit codes, waiting, tokens."""

import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from protos.tulle.v1 import identity_pb2
from tulle.main import run

pytestmark = pytest.mark.real

TRAFFIC = """apiVersion: tulle.dev/v1
kind: TrafficPolicy
metadata: {{name: {name}, namespace: shop}}
spec:
  targetRefs: [{{kind: Service, name: payments}}]
  timeouts: {{request: {timeout}}}
"""


@dataclass(frozen=True)
class Plane:
    """A running control plane."""

    ready: dict[str, str]
    folder: Path


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    folder = tmp_path_factory.mktemp("mesh")
    flags = ["--data", str(folder / "cp"), "--listen", "127.0.0.1:0", "--trust-domain", "shop.local"]
    with (
        (folder / "stderr").open("w") as log,
        subprocess.Popen(
            [sys.executable, "-m", "tulle", "control-plane", *flags], stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, (folder / "stderr").read_text()
        yield Plane(json.loads(line), folder)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
        assert process.stdout.read() == ""


@pytest.fixture
def tulle(plane: Plane, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> "Tulle":
    return Tulle(plane, capsys, tmp_path)


@dataclass(frozen=True)
class Tulle:
    """Runs a verb against the control plane; gives exit code, stdout and stderr."""

    plane: Plane
    capsys: pytest.CaptureFixture[str]
    here: Path

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        code = run([*arguments, "--credentials", self.plane.ready["credentials"]], os.environ, self.here)
        told = self.capsys.readouterr()
        return code, told.out, told.err

    def write(self, name: str, text: str) -> str:
        (self.here / name).write_text(text)
        return str(self.here / name)


def test_its_ready_line_names_what_it_bound(plane: Plane) -> None:
    assert plane.ready["ready"] == "control-plane"
    assert plane.ready["address"].startswith("127.0.0.1:")
    assert Path(plane.ready["credentials"]).stat().st_mode & 0o777 == 0o600


def test_what_is_applied_is_listed_described_and_in_the_history(tulle: Tulle) -> None:
    file = tulle.write("t.yaml", TRAFFIC.format(name="listed", timeout="1s"))
    code, out, _ = tulle("apply", "-f", file, "--reason", "INC-7", "--author", "ada", "-o", "json", "--wait")
    assert code == 0
    assert json.loads(out)["changes"][0]["action"] == "created"
    assert tulle("get", "tp", "listed", "-o", "name")[1] == "TrafficPolicy shop/listed\n"
    newest = json.loads(tulle("history", "--limit", "1", "-o", "json")[1])[0]
    assert (newest["author"], newest["reason"]) == ("ada", "INC-7")


def test_documents_that_were_listed_as_yaml_can_be_applied_again(tulle: Tulle) -> None:
    tulle("apply", "-f", tulle.write("t.yaml", TRAFFIC.format(name="again", timeout="1s")))
    listed = tulle.write("again.yaml", tulle("get", "tp", "-o", "yaml")[1])
    code, out, _ = tulle("apply", "-f", listed, "-o", "json")
    assert code == 0
    assert {change["action"] for change in json.loads(out)["changes"]} == {"unchanged"}


def test_a_services_protos_are_sent_as_methods(tulle: Tulle) -> None:
    (tulle.here / "bank.proto").write_text(
        'syntax = "proto3"; package bank; message M {} service Bank {'
        " rpc Look(M) returns (stream M) { option idempotency_level = NO_SIDE_EFFECTS; } }"
    )
    kind = "apiVersion: tulle.dev/v1\nkind: Service\n"
    document = kind + "metadata: {name: bank, namespace: shop}\nspec:\n  protos: [bank.proto]\n"
    assert tulle("apply", "-f", tulle.write("bank.yaml", document))[0] == 0
    stored = json.loads(tulle("get", "service", "bank", "-o", "json")[1])[0]
    assert stored["spec"]["methods"] == [{"name": "bank.Bank/Look", "kind": "serverStreaming", "idempotent": True}]


def test_a_bad_document_is_named_by_line_with_a_suggestion_and_nothing_of_the_rest_is_written(tulle: Tulle) -> None:
    good = TRAFFIC.format(name="half", timeout="1s")
    bad = TRAFFIC.format(name="bad", timeout="1s").replace("timeouts", "timeuots")
    file = tulle.write("both.yaml", f"{good}---\n{bad}")
    code, out, err = tulle("apply", "-f", file)
    assert (code, out) == (1, "")
    assert err.splitlines()[0] == f"{file}:13: spec.timeuots: unknown field 'timeuots' (did you mean 'timeouts'?)"
    assert tulle("get", "tp", "half", "-o", "name")[1].strip() == ""


def test_a_dry_run_writes_nothing(tulle: Tulle) -> None:
    file = tulle.write("dry.yaml", TRAFFIC.format(name="dry", timeout="1s"))
    assert tulle("apply", "-f", file, "--dry-run")[0] == 0
    assert tulle("get", "tp", "dry", "-o", "name")[1].strip() == ""


def test_a_write_on_top_of_an_older_revision_is_a_conflict(tulle: Tulle) -> None:
    file = tulle.write("old.yaml", TRAFFIC.format(name="old", timeout="1s"))
    tulle("apply", "-f", file)
    code, _, err = tulle(
        "apply", "-f", tulle.write("old.yaml", TRAFFIC.format(name="old", timeout="2s")), "--expect", "1"
    )
    assert code == 4
    assert err.startswith("error[conflict]: expected revision 1")


def test_what_is_deleted_is_gone_and_deleting_it_again_says_so(tulle: Tulle) -> None:
    file = tulle.write("gone.yaml", TRAFFIC.format(name="gone", timeout="1s"))
    tulle("apply", "-f", file)
    assert tulle("delete", "-f", file, "--yes")[0] == 0
    code, _, err = tulle("delete", "TrafficPolicy", "gone", "-n", "shop", "--yes")
    assert code == 1
    assert err.startswith("error[not_found]: ")


def test_a_token_is_the_only_thing_on_stdout_and_holds_what_a_sidecar_needs(tulle: Tulle) -> None:
    code, out, err = tulle("token", "create", "shop/orders", "--ttl", "2m")
    assert code == 0
    assert "once, until" in err
    token = identity_pb2.JoinToken.FromString(base64.urlsafe_b64decode(out.strip() + "=" * (-len(out.strip()) % 4)))
    assert (token.service, token.control_plane) == ("shop/orders", tulle.plane.ready["address"])


def test_status_stat_and_check_answer_in_an_empty_mesh(tulle: Tulle) -> None:
    assert tulle("status")[0] == 0
    assert tulle("stat", "--window", "30s")[2] == "no calls in the last 30s\n"
    findings = json.loads(tulle("check", "-o", "json")[1])
    areas = list(dict.fromkeys(finding["area"] for finding in findings))
    assert areas == ["environment", "control plane", "identity", "data plane", "configuration", "telemetry"]


def test_nobody_at_the_address_is_one_line_and_exit_code_3(tulle: Tulle) -> None:
    code, out, err = tulle("history", "--control-plane", "127.0.0.1:1")
    assert (code, out) == (3, "")
    assert err == (
        "error[unreachable]: control plane at 127.0.0.1:1: connection refused "
        "(start it with 'tulle control-plane', or name another credential with --credentials)\n"
    )


def test_a_second_control_plane_on_the_same_folder_or_port_says_why_it_does_not_start(
    plane: Plane, tmp_path: Path
) -> None:
    busy = ["--data", str(tmp_path / "other"), "--listen", plane.ready["address"]]
    done = subprocess.run(
        [sys.executable, "-m", "tulle", "control-plane", *busy], capture_output=True, text=True, check=False
    )
    assert done.returncode in (1, 2)
    lines = [line for line in done.stderr.splitlines() if line.startswith("error[")]
    assert len(lines) == 1
    assert plane.ready["address"] in lines[0]
