"""grpc-go as the second stack, built from tests/streams/peers/go into the cache outside git."""

import json
import shutil
import subprocess
from pathlib import Path

from tests.support.process import ROOT, Child

SOURCES = Path(__file__).parent / "peers" / "go"
PROGRAM = ROOT / ".cache" / "streams" / "streams"
LIMIT = 300.0  # seconds


def build() -> Path:
    """The program. AssertionError: Go is not installed, or cannot build it."""
    go = shutil.which("go")
    assert go is not None, "go is not installed; run: sudo apt-get install -y golang"
    command = [go, "build", "-o", str(PROGRAM), "."]
    done = subprocess.run(command, cwd=SOURCES, capture_output=True, text=True, check=False, timeout=LIMIT)
    assert done.returncode == 0, done.stderr
    return PROGRAM


def serve(folder: Path, limit: int) -> tuple[Child, int]:
    """A server that takes `limit` streams on a connection, and its port."""
    child = Child.start("go-server", [str(build()), "serve", "--limit", str(limit)], folder)
    return child, int(child.first_line().split()[1])


def call(target: str, authority: str) -> dict[str, str]:
    """Every case and what was wrong with it, "" for nothing."""
    command = [str(build()), "call", "--target", target, "--authority", authority]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT)
    assert done.returncode == 0, done.stderr
    came: dict[str, str] = json.loads(done.stdout)
    return came
