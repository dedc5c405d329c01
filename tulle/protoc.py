"""protoc, as grpcio-tools carries it: no system compiler is needed."""

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tulle.errors import TulleError

_IMPORT = re.compile(r'^\s*import\s+(?:public\s+|weak\s+)?"([^"]+)"\s*;', re.MULTILINE)


class ProtocFailed(TulleError):
    """The compiler refused the files; the cause is its first line."""

    code = "invalid"


def include_root(proto: Path) -> Path:
    """The folder that imports in `proto` are relative to: the nearest one above it that holds them all."""
    wanted = [name for name in _IMPORT.findall(proto.read_text(encoding="utf-8")) if not name.startswith("google/")]
    for folder in proto.parents:
        if all((folder / name).is_file() for name in wanted):
            return folder
    return proto.parent


def compile_protos(arguments: Sequence[str], roots: Sequence[Path], files: Sequence[Path]) -> bytes:
    """Run protoc over `files`; what it wrote to stdout. Raises ProtocFailed with protoc's own words."""
    includes = [f"--proto_path={root}" for root in dict.fromkeys(roots)]
    command = [sys.executable, "-m", "grpc_tools.protoc", *includes, *arguments, *map(str, files)]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode != 0:
        complaints = [line for line in done.stderr.decode(errors="replace").splitlines() if line.strip()]
        raise ProtocFailed(complaints[0] if complaints else "protoc failed without a word", "mend the .proto file")
    return done.stdout
