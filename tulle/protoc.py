"""protoc, as grpcio-tools carries it: no system compiler is needed."""

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tulle.errors import TulleError

_IMPORT = re.compile(r'^\s*import\s+(?:public\s+|weak\s+)?"([^"]+)"\s*;', re.MULTILINE)

_PACKAGE = re.compile(r"^\s*package\s+([\w.]+)\s*;", re.MULTILINE)


class ProtocFailed(TulleError):
    """The compiler refused the files; the cause is its first complaint."""

    code = "invalid"


def by_root(protos: Sequence[Path], roots: Sequence[Path] = ()) -> dict[Path, list[Path]]:
    """Files by the folder that they are named from: one of `roots`, else where imports or packages say.

    Files that are compiled together are named from one root: where one imports another, that import says which.
    """
    known = [*roots, *(root for proto in protos if (root := import_root(proto)))]
    grouped: dict[Path, list[Path]] = {}
    for proto in protos:
        above = [root for root in known if proto.is_relative_to(root)]
        grouped.setdefault(above[0] if above else package_root(proto), []).append(proto)
    return grouped


def import_root(proto: Path) -> Path | None:
    """The nearest folder above that holds all imports of `proto`; None where it has none, or they are not there."""
    wanted = [name for name in _IMPORT.findall(proto.read_text(encoding="utf-8")) if not name.startswith("google/")]
    if not wanted:
        return None
    return next((folder for folder in proto.parents if all((folder / name).is_file() for name in wanted)), None)


def package_root(proto: Path) -> Path:
    """`…/hello/v1/a.proto` of package hello.v1 begins at `…`; elsewhere a file's own folder."""
    package = _PACKAGE.search(proto.read_text(encoding="utf-8"))
    parts = tuple(package.group(1).split(".")) if package else ()
    folders = proto.parent.parts
    return Path(*folders[: len(folders) - len(parts)]) if parts and folders[-len(parts) :] == parts else proto.parent


def compile_protos(
    arguments: Sequence[str], roots: Sequence[Path], files: Sequence[Path], compiler: str | None = None
) -> bytes:
    """Run protoc (`compiler`, or that of grpcio-tools) over `files`; what it wrote to stdout. Raises ProtocFailed."""
    includes = [f"--proto_path={root}" for root in dict.fromkeys(roots)]
    program = [compiler] if compiler else [sys.executable, "-m", "grpc_tools.protoc"]
    done = subprocess.run([*program, *includes, *arguments, *map(str, files)], capture_output=True, check=False)
    if done.returncode != 0:
        complaints = [line for line in done.stderr.decode(errors="replace").splitlines() if line.strip()]
        raise ProtocFailed(complaints[0] if complaints else "protoc failed without a word", "mend the .proto file")
    return done.stdout
