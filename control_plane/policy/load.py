"""Files to documents: every problem of every file at once, or every document."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from control_plane.policy import explain, later
from control_plane.policy.model import KINDS, AccessPolicy, DocumentKey, GRPCRoute, Mesh, Service, TrafficPolicy
from control_plane.policy.problem import InvalidDocumentsError, Problem
from control_plane.policy.suggest import did_you_mean
from control_plane.policy.yaml_tree import Node, YamlError, parse
from protos import names

MAX_SOURCES: Final = 1000


@dataclass(frozen=True)
class Source:
    """A file as the user wrote it; `file` is what its problems are reported under."""

    file: str
    yaml: str


@dataclass(frozen=True)
class Loaded:
    """A document and where it stands."""

    document: Mesh | Service | GRPCRoute | TrafficPolicy | AccessPolicy
    file: str
    node: Node

    @property
    def key(self) -> DocumentKey:
        return self.document.key

    def problem(self, path: tuple[str | int, ...], cause: str, hint: str = "") -> Problem:
        """A problem at a place of this document."""
        return Problem(self.file, self.node.line_of(path), explain.field_path(path), cause, hint)


def load(sources: Iterable[Source]) -> list[Loaded]:
    """The documents of all files, in order. InvalidDocumentsError, and no other error, for anything that is wrong."""
    found: list[Loaded] = []
    problems: list[Problem] = []
    for count, source in enumerate(sources, start=1):
        if count > MAX_SOURCES:
            problems.append(Problem(source.file, 0, "", f"over {MAX_SOURCES} files at once", "send fewer"))
            break
        _load_file(source, found, problems)
    problems += _duplicates(found)
    if problems:
        raise InvalidDocumentsError(sorted(problems))
    return found


def _load_file(source: Source, found: list[Loaded], problems: list[Problem]) -> None:
    try:
        nodes = parse(source.yaml)
    except YamlError as error:
        problems.append(Problem(source.file, error.line, "", error.cause, error.hint))
        return
    for node in nodes:
        _load_document(source.file, node, found, problems)


def _load_document(file: str, node: Node, found: list[Loaded], problems: list[Problem]) -> None:
    wrong = _kind_problem(file, node)
    if wrong:
        problems.append(wrong)
        return
    plain = node.plain()
    model = KINDS[str(plain["kind"])] if isinstance(plain, dict) else Mesh
    try:
        document = model.model_validate(plain)
    except ValidationError as error:
        problems.extend(explain.problems(error, model, file, node))
        return
    if document.metadata.namespace == names.RESERVED_NAMESPACE:
        cause = f"namespace {names.RESERVED_NAMESPACE!r} is reserved for the mesh itself"
        problems.append(Loaded(document, file, node).problem(("metadata", "namespace"), cause, "use another namespace"))
    found.append(Loaded(document, file, node))


def _kind_problem(file: str, node: Node) -> Problem | None:
    if not isinstance(node.value, dict):
        return Problem(file, node.line, "", "the document is not a mapping", "begin with 'apiVersion:' and 'kind:'")
    kind = node.value["kind"].value if "kind" in node.value else None
    if kind is None:
        return Problem(file, node.line, "kind", "is required and missing", f"one of {', '.join(KINDS)}")
    line = node.line_of(("kind",))
    if not isinstance(kind, str):
        return Problem(file, line, "kind", f"{_named(kind)} is no kind of document", f"one of {', '.join(KINDS)}")
    if kind in later.KINDS:
        return Problem(file, line, "kind", f"kind {kind!r} is not supported yet", f"one of {', '.join(KINDS)}")
    if kind not in KINDS:
        return Problem(file, line, "kind", f"{kind!r} is no kind of document", did_you_mean(kind, KINDS))
    return None


def _named(value: object) -> str:
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "a mapping"
    return repr(value)


def _duplicates(found: Iterable[Loaded]) -> list[Problem]:
    first: dict[DocumentKey, Loaded] = {}
    problems = []
    for loaded in found:
        earlier = first.setdefault(loaded.key, loaded)
        if earlier is not loaded:
            cause = f"{loaded.key} is given twice, first in {earlier.file}:{earlier.node.line}"
            problems.append(loaded.problem(("metadata", "name"), cause, "leave one of them out, or rename it"))
    return problems
