"""The foreign programs that the long run needs, built into a folder outside git."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from tests.support.process import ROOT

CACHE = ROOT / ".cache" / "conformance"
PEERS = Path(__file__).parent / "peers"
INTEROP = "google.golang.org/grpc/interop"
CONNECT = "connectrpc.com/conformance/cmd"
CONNECT_VERSION = "v1.0.7"


class Missing(Exception):
    """A tool is not installed, or an installation failed; the text says what to do."""


@dataclass(frozen=True)
class GoInterop:
    """grpc-go's own interop programs."""

    client: Path
    server: Path


@dataclass(frozen=True)
class ConnectPrograms:
    """connectrpc's conformance runner, and by role the programs that it tests."""

    runner: Path
    subjects: Mapping[str, Sequence[Path]]


def go_interop() -> GoInterop:
    """Built from the versions in peers/go/go.mod. Raises Missing."""
    go = _tool("go", "golang")
    built = GoInterop(CACHE / "bin" / "interop-client", CACHE / "bin" / "interop-server")
    for program, package in ((built.client, "client"), (built.server, "server")):
        _run([go, "build", "-o", str(program), f"{INTEROP}/{package}"], PEERS / "go")
    return built


def connect_programs() -> ConnectPrograms:
    """Built from the one release that the suite's cases are counted on. Raises Missing."""
    go, folder = _tool("go", "golang"), CACHE / "bin"
    subjects = {role: [folder / f"{stack}{role}" for stack in ("grpc", "reference")] for role in ("client", "server")}
    names = ["connectconformance", *(path.name for paths in subjects.values() for path in paths)]
    packages = [f"{CONNECT}/{name}@{CONNECT_VERSION}" for name in names]
    _run([go, "install", *packages], CACHE, {"GOBIN": str(folder)})
    return ConnectPrograms(folder / names[0], subjects)


def js_packages() -> Path:
    """A folder for NODE_PATH, installed as peers/js/package-lock.json says. Raises Missing."""
    npm, folder = _tool("npm", "npm"), CACHE / "js"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(PEERS / "js" / name, folder / name)
    _run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], folder)
    return folder / "node_modules"


def _tool(name: str, package: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise Missing(f"{name} is not installed; run: sudo apt-get install -y {package}")
    return path


def _run(command: Sequence[str], folder: Path, more: Mapping[str, str] = MappingProxyType({})) -> None:
    env = {**os.environ, **more}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=900, env=env)
    if done.returncode:
        raise Missing(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
