"""The ways in: make's targets and the compose file, as far as they can be tried without a container engine."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.plan import SERVICES

ROOT = Path(__file__).parents[2]


def make(*arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": path or os.environ["PATH"], "MAKEFLAGS": ""}
    command = [str(shutil.which("make")), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment, check=False)


@pytest.fixture
def poor(tmp_path: Path) -> Path:
    """A PATH with nothing but what a target's own lines need."""
    for tool in ("bash", "sh", "awk", "test", "find", "cargo", "cc"):
        found = shutil.which(tool)
        assert found, f"{tool} is not on PATH"
        (tmp_path / tool).symlink_to(found)
    (tmp_path / "python3").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (tmp_path / "python3").chmod(0o755)
    return tmp_path


@pytest.mark.parametrize(
    ("tool", "remedy"),
    [("cargo", "install Rust 1.88"), ("cc", "apt-get install gcc"), ("python3", "apt-get install python3")],
)
def test_a_missing_tool_is_named_with_the_line_that_installs_it(poor: Path, tool: str, remedy: str) -> None:
    (poor / tool).unlink()
    done = make("preflight", "PYTHON=python3", path=str(poor))
    assert done.returncode != 0
    assert f"make: {'a C compiler' if tool == 'cc' else tool} is missing" in done.stderr
    assert remedy in done.stderr


def test_make_help_lists_every_target_that_people_call() -> None:
    listed = set(re.findall(r"^  make (\S+)", make("help").stdout, re.MULTILINE))
    assert {"setup", "demo", "test", "lint", "protos", "bench", "clean", "help"} <= listed


def test_ci_calls_lint_and_test_and_nothing_else() -> None:
    lines = [line for line in (ROOT / ".ci" / "run").read_text().splitlines() if line and not line.startswith("#")]
    assert lines == ["set -euo pipefail", 'cd "$(dirname "$0")/.."', "make lint", "make test"]


@pytest.fixture(scope="module")
def composed() -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return services


def test_in_compose_every_service_of_the_shop_has_a_sidecar_in_its_own_network(composed: dict[str, Any]) -> None:
    networks = {str(service.get("network_mode", "")).removeprefix("service:") for service in composed.values()}
    assert {workload.instance for workload in SERVICES} <= set(composed)
    assert {workload.instance for workload in SERVICES} <= networks


def test_in_compose_whatever_is_waited_for_exists_and_says_when_it_is_well(composed: dict[str, Any]) -> None:
    for name, service in composed.items():
        for needed, wait in service.get("depends_on", {}).items():
            assert needed in composed, (name, needed)
            if wait["condition"] == "service_healthy":
                assert "healthcheck" in composed[needed], (name, needed)
