"""The foreign programs, built from pinned versions into a folder outside git; what is built already costs nothing."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from tests.support.process import ROOT

HERE: Final = Path(__file__).parent
CACHE: Final = ROOT / ".cache" / "peers"
PROTO: Final = HERE / "proto" / "peers.proto"
GO: Final = CACHE / "go" / "bin" / "peers"
JAVA: Final = CACHE / "java" / "java" / "target"
JS: Final = CACHE / "js" / "node_modules"
RUST: Final = CACHE / "rust" / "target" / "debug" / "peers"
LIMIT = 900.0  # seconds for one command
AT_ONCE = 2


class NotBuilt(Exception):
    """A tool is missing, or a build failed; the text says what to do."""


@dataclass(frozen=True)
class Recipe:
    """How one stack is built: its folder of sources, the tool that it needs and the Debian package of that tool."""

    name: str
    tool: str
    package: str
    steps: Callable[[Path], None]
    product: Path

    def build(self) -> str:
        """Says what was done. Raises NotBuilt."""
        folder, wanted = CACHE / self.name, _digest((HERE / self.name, HERE / "proto"))
        stamp = folder / "stamp"
        if self.product.exists() and stamp.exists() and stamp.read_text() == wanted:
            return f"{self.name}: as it was"
        if shutil.which(self.tool) is None:
            raise NotBuilt(f"{self.tool} is not installed; run: sudo apt-get install -y {self.package}")
        folder.mkdir(parents=True, exist_ok=True)
        stamp.unlink(missing_ok=True)
        self.steps(folder)
        stamp.write_text(wanted)
        return f"{self.name}: built"


def build() -> list[str]:
    """All of them, two at a time. Raises NotBuilt."""
    with ThreadPoolExecutor(AT_ONCE) as builders:
        return list(builders.map(Recipe.build, RECIPES))


def _go(folder: Path) -> None:
    sources, tools = _copied("go", folder / "src"), folder / "bin"
    plugins = ("google.golang.org/protobuf/cmd/protoc-gen-go", "google.golang.org/grpc/cmd/protoc-gen-go-grpc")
    _run(["go", "build", "-o", f"{tools}/", *plugins], sources)
    (sources / "contract").mkdir(exist_ok=True)
    protoc = [sys.executable, "-m", "grpc_tools.protoc", "-I", str(PROTO.parent), PROTO.name]
    protoc += [f"--plugin={tools / plugin.rpartition('/')[2]}" for plugin in plugins]
    for kind in ("go", "go-grpc"):
        protoc += [f"--{kind}_out={sources / 'contract'}", f"--{kind}_opt=paths=source_relative"]
    _run(protoc, PROTO.parent)
    _run(["go", "build", "-o", str(GO), "."], sources)


def _java(folder: Path) -> None:
    _copied("proto", folder / "proto")
    _run(["mvn", "--quiet", "--batch-mode", "process-classes"], _copied("java", folder / "java"))


def _js(folder: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(HERE / "js" / name, folder / name)
    _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], folder)


def _rust(folder: Path) -> None:
    _run(["cargo", "build", "--locked", "--quiet", "--target-dir", str(folder / "target")], HERE / "rust")


RECIPES: Final = (
    Recipe("rust", "cargo", "cargo", _rust, RUST),
    Recipe("java", "mvn", "maven openjdk-17-jdk-headless", _java, JAVA / "lib"),
    Recipe("go", "go", "golang", _go, GO),
    Recipe("js", "npm", "npm", _js, JS),
)


def _copied(name: str, folder: Path) -> Path:
    """The sources beside what is generated for them; what was built there stays."""
    shutil.copytree(HERE / name, folder, dirs_exist_ok=True)
    return folder


def _digest(folders: Iterable[Path]) -> str:
    files = sorted(path for folder in folders for path in folder.rglob("*") if path.is_file())
    kept = (path for path in files if not {"target", "__pycache__"} & set(path.parts))
    return hashlib.sha256(b"".join(path.name.encode() + path.read_bytes() for path in kept)).hexdigest()


def _run(command: Sequence[str], folder: Path, more: Mapping[str, str] = MappingProxyType({})) -> None:
    env = {**os.environ, **more}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=LIMIT, env=env)
    if done.returncode:
        raise NotBuilt(
            f"{' '.join(command)} ended with {done.returncode}: {(done.stdout + done.stderr).strip()[-1500:]}"
        )
