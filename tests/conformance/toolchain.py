"""The foreign programs that the long run needs, built into a folder outside git."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from tests.support.process import ROOT

CACHE = ROOT / ".cache" / "conformance"
PEERS = Path(__file__).parent / "peers"
BIN: Final = CACHE / "bin"
INTEROP: Final = "google.golang.org/grpc/interop"
CONNECT: Final = "connectrpc.com/conformance/cmd"
CONNECT_VERSION: Final = "v1.0.7"
# The last release of h2 whose package has the story corpus in it.
CORPUS: Final = """\
[package]
name = "corpus"
version = "0.0.0"
[lib]
path = "empty.rs"
[dependencies]
h2 = "=0.1.0"
[workspace]
"""


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


@dataclass(frozen=True)
class Hpack:
    """The engine's HPACK as a program, and the folder of stories."""

    program: Path
    corpus: Path


@dataclass(frozen=True)
class H2spec:
    """The client that tests, and the server behind the mesh."""

    program: Path
    server: Path


def go_interop() -> GoInterop:
    """Built from the versions in peers/go/go.mod. Raises Missing."""
    go = _tool("go", "golang")
    built = GoInterop(BIN / "interop-client", BIN / "interop-server")
    for program, package in ((built.client, "client"), (built.server, "server")):
        _run([go, "build", "-o", str(program), f"{INTEROP}/{package}"], PEERS / "go")
    return built


def connect_programs() -> ConnectPrograms:
    """Built from the one release that the suite's cases are counted on. Raises Missing."""
    go = _tool("go", "golang")
    subjects = {role: [BIN / f"{stack}{role}" for stack in ("grpc", "reference")] for role in ("client", "server")}
    names = ["connectconformance", *(path.name for paths in subjects.values() for path in paths)]
    packages = [f"{CONNECT}/{name}@{CONNECT_VERSION}" for name in names]
    _run([go, "install", *packages], CACHE, {"GOBIN": str(BIN)})
    return ConnectPrograms(BIN / names[0], subjects)


def js_packages() -> Path:
    """A folder for NODE_PATH, installed as peers/js/package-lock.json says. Raises Missing."""
    npm, folder = _tool("npm", "npm"), CACHE / "js"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(PEERS / "js" / name, folder / name)
    _run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], folder)
    return folder / "node_modules"


def hpack() -> Hpack:
    """The example of engine/http2, and what cargo fetched of h2's package. Raises Missing."""
    cargo, target, manifest = _tool("cargo", "cargo"), CACHE / "target", CACHE / "corpus" / "Cargo.toml"
    build = [cargo, "build", "--locked", "--package", "tulle-http2", "--example", "hpack_story"]
    _run([*build, "--target-dir", str(target)], ROOT / "engine")
    manifest.parent.mkdir(parents=True, exist_ok=True)
    manifest.write_text(CORPUS)
    manifest.with_name("empty.rs").touch()
    packages = json.loads(_run([cargo, "metadata", "--format-version=1"], manifest.parent))["packages"]
    h2 = next(Path(package["manifest_path"]).parent for package in packages if package["name"] == "h2")
    return Hpack(target / "debug" / "examples" / "hpack_story", h2 / "fixtures" / "hpack")


def h2spec() -> H2spec:
    """What is on PATH or in the cache; it is never fetched. Raises Missing."""
    return H2spec(
        _found("h2spec", "put it on PATH or into .cache/conformance/bin"), _found("nghttpd", _apt("nghttp2-server"))
    )


def _found(name: str, remedy: str) -> Path:
    path = shutil.which(name, path=os.pathsep.join((str(BIN), os.environ.get("PATH", os.defpath))))
    if path is None:
        raise Missing(f"{name} is not installed; {remedy}")
    return Path(path)


def _tool(name: str, package: str) -> str:
    return str(_found(name, _apt(package)))


def _apt(package: str) -> str:
    return f"run: sudo apt-get install -y {package}"


def _run(command: Sequence[str], folder: Path, more: Mapping[str, str] = MappingProxyType({})) -> str:
    """Its standard output."""
    folder.mkdir(parents=True, exist_ok=True)
    env = {**os.environ, **more}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=900, env=env)
    if done.returncode:
        raise Missing(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    return done.stdout
