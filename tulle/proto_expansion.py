"""`Service.spec.protos` becomes `methods` before a document is sent; every other byte stays where it is.

The text is changed in place rather than written anew, so that the lines in the control plane's errors are the user's.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from tulle.errors import InvalidPolicy, TulleError
from tulle.proto_methods import ProtoMethod

Reader = Callable[[Sequence[Path]], Mapping[Path, Sequence[ProtoMethod]]]
"""The methods in each of some .proto files; all at once, since each run of protoc takes its time."""

LONGEST_PATH = 300


@dataclass(frozen=True, slots=True)
class _Place:
    """Where `protos: […]` stands: from the key's first character to the value's last, and its 1-based line."""

    start: int
    end: int
    line: int
    protos: tuple[Path, ...]


def expand(file: Path, text: str, read: Reader) -> str:
    """The text with each `protos` replaced, line for line. Raises InvalidPolicy naming file, line and field.

    What is no YAML, or no Service, passes as it is: the control plane says what is wrong with it.
    """
    try:
        documents = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError):  # the latter for what is nested a thousand deep
        return text
    places = [place for document in documents if (place := _find(file, document))]
    methods = _read_all(file, places, read)
    for place in reversed(places):
        lines_taken = text.count("\n", place.start, place.end)
        own = [method.flow() for proto in place.protos for method in methods[proto]]
        replacement = f"methods: [{', '.join(own)}]"
        text = text[: place.start] + replacement + _line_ends(text, place, lines_taken) + text[place.end :]
    return text


def _line_ends(text: str, place: _Place, count: int) -> str:
    # A block list's end mark stands at the next token: its indentation belongs to what follows.
    tail = text[place.start : place.end]
    return "\n" * count + (tail.rpartition("\n")[2] if count and not tail.rpartition("\n")[2].strip() else "")


def _find(file: Path, document: yaml.Node | None) -> _Place | None:
    if document is None or _scalar(_get(document, "kind")) != "Service":
        return None
    spec = _get(document, "spec")
    key, value = _pair(spec, "protos")
    if key is None or value is None:
        return None
    if _get(spec, "methods") is not None:
        _refuse(file, key, "protos and methods are both given", "leave one of them out: protos are read into methods")
    if not isinstance(value, yaml.SequenceNode) or not all(isinstance(item, yaml.ScalarNode) for item in value.value):
        _refuse(file, value, "a list of paths is expected", "write protos: [shop/v1/payments.proto]")
    line = key.start_mark.line + 1
    protos = tuple(_proto(file, line, item.value) for item in value.value)
    return _Place(key.start_mark.index, value.end_mark.index, line, protos)


def _read_all(file: Path, places: Sequence[_Place], read: Reader) -> Mapping[Path, Sequence[ProtoMethod]]:
    try:
        return read([proto for place in places for proto in place.protos])
    except TulleError:
        # One by one: only so is it known which line named the bad one.
        return {proto: methods for place in places for proto, methods in _read(file, place, read).items()}


def _read(file: Path, place: _Place, read: Reader) -> Mapping[Path, Sequence[ProtoMethod]]:
    try:
        return read(place.protos)
    except TulleError as error:
        raise InvalidPolicy([f"{file}:{place.line}: spec.protos: {error.cause} ({error.hint})"]) from error


def _proto(file: Path, line: int, path: str) -> Path:
    found = _file_at(file.parent / path)
    if found is None:
        shown = (path if path.isprintable() else repr(path))[:LONGEST_PATH]
        hint = "paths are relative to the YAML file"
        raise InvalidPolicy([f"{file}:{line}: spec.protos: no file {shown} ({hint})"])
    return found


def _file_at(path: Path) -> Path | None:
    try:
        found = path.resolve()
        return found if found.is_file() else None
    except (OSError, ValueError, RuntimeError):  # too long, a NUL in it, links in a circle
        return None


def _refuse(file: Path, node: yaml.Node, cause: str, hint: str) -> None:
    raise InvalidPolicy([f"{file}:{node.start_mark.line + 1}: spec.protos: {cause} ({hint})"])


def _pair(node: yaml.Node | None, key: str) -> tuple[yaml.Node | None, yaml.Node | None]:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if _scalar(name) == key:
                return name, value
    return None, None


def _get(node: yaml.Node | None, key: str) -> yaml.Node | None:
    return _pair(node, key)[1]


def _scalar(node: yaml.Node | None) -> str | None:
    return node.value if isinstance(node, yaml.ScalarNode) else None
