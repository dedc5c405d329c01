"""Policy files: `-f FILE|DIR|-`, read whole, in a stable order, by the names the user gave."""

import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from protos.tulle.v1 import policy_pb2
from tulle.errors import UsageProblem
from tulle.proto_expansion import Reader, expand
from tulle.settings import PROJECT_FILE

SUFFIXES = (".yaml", ".yml")
STDIN = "-"
# What PyYAML's constructors raise besides its own: dates that are none, numbers too large, nesting without end.
_UNREADABLE = (yaml.YAMLError, LookupError, TypeError, AttributeError, ValueError, ArithmeticError, RecursionError)


def read_sources(given: Sequence[str], read_proto: Reader) -> list[policy_pb2.Source]:
    """Every file once, `protos` expanded. Raises UsageProblem for a path that is not there or holds nothing."""
    return [
        policy_pb2.Source(file=source.file, yaml=expand(Path(source.file), source.yaml, read_proto))
        for source in read_files(given)
    ]


def read_files(given: Sequence[str]) -> list[policy_pb2.Source]:
    """Every file once, as it is written."""
    return [_source(file) for file in dict.fromkeys(file for path in given for file in _files(path))]


def _files(path: str) -> list[str]:
    if path == STDIN:
        return [STDIN]
    place = Path(path)
    if place.is_dir():
        found = sorted(str(file) for file in place.rglob("*") if file.suffix in SUFFIXES and file.is_file())
        # The command line's own settings may lie beside the policies and are none of them.
        found = [file for file in found if Path(file).name != PROJECT_FILE or _is_policy(Path(file))]
        if not found:
            raise UsageProblem(f"--file {path}: no *.yaml or *.yml in this folder", "name a folder that holds policies")
        return found
    if not place.is_file():
        raise UsageProblem(f"--file {path}: no such file or folder", "check the path")
    return [path]


def _is_policy(file: Path) -> bool:
    return "apiVersion:" in file.read_text(encoding="utf-8", errors="replace")


def _source(file: str) -> policy_pb2.Source:
    try:
        if file == STDIN:
            return policy_pb2.Source(file="<stdin>", yaml=sys.stdin.read())
        return policy_pb2.Source(file=file, yaml=Path(file).read_text(encoding="utf-8"))
    except (OSError, UnicodeError) as error:
        raise UsageProblem(f"--file {file}: {error}", "policies are text in UTF-8") from error


def document_keys(given: Sequence[str]) -> list[policy_pb2.DocumentKey]:
    """The keys of the documents that files hold. Raises UsageProblem for a document without kind or name."""
    return [key for source in read_files(given) for key in _keys(source)]


def _keys(source: policy_pb2.Source) -> list[policy_pb2.DocumentKey]:
    try:
        documents = [document for document in yaml.safe_load_all(source.yaml) if document is not None]
        return [
            policy_pb2.DocumentKey(
                kind=document["kind"],
                namespace=document["metadata"].get("namespace", "default"),
                name=document["metadata"]["name"],
            )
            for document in documents
        ]
    except _UNREADABLE as error:
        cause = " ".join(str(error).split())
        raise UsageProblem(
            f"--file {source.file}: kind or metadata.name cannot be read: {cause}", "mend the file"
        ) from error
