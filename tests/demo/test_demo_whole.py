"""`tulle demo` as a stranger runs it: the shop fills, one instance is ejected, nothing is left behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from protos.tulle.v1 import policy_pb2, telemetry_pb2
from tulle.client import ControlPlane, connect

pytestmark = [pytest.mark.real, pytest.mark.timeout(240)]

SECONDS = 90.0
EDGES = {
    ("shop/load", "shop/storefront"),
    ("shop/storefront", "shop/inventory"),
    ("shop/storefront", "shop/orders"),
    ("shop/storefront", "shop/recommendations"),
    ("shop/orders", "shop/inventory"),
    ("shop/orders", "shop/payments"),
    ("shop/orders", "shop/shipping"),
    ("shop/shipping", "shop/orders"),
    ("shop/recommendations", "shop/orders"),
}


@contextmanager
def demo(folder: Path, *flags: str) -> Iterator[tuple[dict[str, str], "subprocess.Popen[str]"]]:
    """A running demo: its ready line and its process; stopped by SIGINT, and it must leave with 0."""
    command = [sys.executable, "-m", "tulle", "demo", "--data", str(folder / "demo"), "--port", "0", *flags]
    with (folder / "stderr").open("w") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, (folder / "stderr").read_text()
            yield json.loads(line), process
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=60) == 0, (folder / "stderr").read_text()
        finally:
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()


def members(folder: Path) -> list[int]:
    """Processes that carry this demo's folder in their arguments or environment."""
    mark = str(folder).encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                told = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
                zombie = (entry / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
            except (OSError, IndexError):
                continue
            if mark in told and not zombie:
                found.append(int(entry.name))
    return found


def until(what: Callable[[], bool], seconds: float = SECONDS) -> bool:
    """Look again and again until it is so; False when it is not in time."""
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while not what():
        if time.monotonic() > deadline:
            return False
        pause.wait(0.2)
    return True


def topology(plane: ControlPlane) -> telemetry_pb2.Topology:
    found: telemetry_pb2.Topology = plane.call(
        plane.telemetry.GetTopology, telemetry_pb2.TopologyRequest(window_ms=60_000)
    )
    return found


def ejections(plane: ControlPlane) -> int:
    return sum(view.series.ejections for node in topology(plane).nodes for view in node.endpoints)


def apply_and_wait(credentials: str, folder: Path) -> str:
    """Write one more policy and wait for every proxy; what stderr told."""
    (folder / "more.yaml").write_text(
        "apiVersion: tulle.dev/v1\nkind: TrafficPolicy\nmetadata: {name: more, namespace: shop}\n"
        "spec:\n  targetRefs: [{kind: Service, name: shipping}]\n  timeouts: {request: 3s}\n"
    )
    command = [sys.executable, "-m", "tulle", "apply", "-f", str(folder / "more.yaml"), "--wait"]
    done = subprocess.run([*command, "--credentials", credentials], capture_output=True, text=True, check=True)
    return done.stderr


def listening(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def test_the_shop_fills_and_ctrl_c_leaves_no_process_and_no_port(tmp_path: Path) -> None:
    with demo(tmp_path, "--rate", "20") as (ready, _), connect(Path(ready["credentials"])) as plane:
        assert ready["url"].startswith("http://127.0.0.1:")
        assert until(lambda: {(e.source, e.target) for e in topology(plane).edges} >= EDGES), topology(plane).edges
        shown = topology(plane)
        assert [edge for edge in shown.edges if not edge.mtls] == []
        assert [edge for edge in shown.edges if edge.golden.faults] == []
        assert sorted(next(node.versions for node in shown.nodes if node.service == "shop/payments")) == ["v1", "v2"]
        assert apply_and_wait(ready["credentials"], tmp_path).endswith("is in force in 9 of 9 connected proxies\n")
        assert members(tmp_path)
    assert members(tmp_path) == []
    assert not listening(ready["control_plane"])


def test_chaos_ejects_one_payments_instance_and_no_shopper_notices(tmp_path: Path) -> None:
    with demo(tmp_path, "--rate", "40", "--chaos") as (ready, _), connect(Path(ready["credentials"])) as plane:
        assert until(lambda: ejections(plane) > 0), (tmp_path / "stderr").read_text()
        shown = topology(plane)
        retried = [edge.golden.retries for edge in shown.edges if edge.target == "shop/payments"]
        assert sum(retried) > 0
        assert [edge.golden.faults for edge in shown.edges if edge.target == "shop/storefront"] == [0]


def test_a_demo_that_is_killed_takes_all_its_processes_with_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tulle", "demo", "--data", str(tmp_path / "demo"), "--port", "0", "--no-load"]
    with (
        (tmp_path / "stderr").open("w") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        assert process.stdout is not None
        assert process.stdout.readline(), (tmp_path / "stderr").read_text()
        process.kill()
    assert until(lambda: members(tmp_path) == [], 60), members(tmp_path)


def test_a_kept_demo_goes_on_with_its_data(tmp_path: Path) -> None:
    with demo(tmp_path, "--no-load"):
        pass
    with demo(tmp_path, "--no-load", "--keep") as (ready, _), connect(Path(ready["credentials"])) as plane:
        answer = plane.call(plane.policy.History, policy_pb2.HistoryRequest())
        assert [revision.reason for revision in answer.revisions][-1] == "tulle demo"
        assert len(answer.revisions) == 1, "the same policies again are no new revision"
