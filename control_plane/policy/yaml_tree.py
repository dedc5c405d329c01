"""YAML to plain values that remember their lines.

A strict part of YAML 1.2: core scalars (`on` and `yes` are text), no anchors, aliases or tags, every key once.
Events are read from libyaml's non-recursive parser and built without recursion: no input can exhaust the stack.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import yaml

MAX_BYTES: Final = 1 << 20
MAX_DEPTH: Final = 32
MAX_NODES: Final = 100_000
MAX_DOCUMENTS: Final = 1000

_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")
_WORDS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}

Scalar = str | int | float | bool | None
Plain = Scalar | list["Plain"] | dict[str, "Plain"]
Path = tuple[str | int, ...]


class YamlError(Exception):
    """The text is not the YAML that is taken here. `line` is 1-based, 0 for the file as a whole."""

    def __init__(self, line: int, cause: str, hint: str = "") -> None:
        self.line = line
        self.cause = cause
        self.hint = hint
        super().__init__(cause)


@dataclass
class Node:
    """A value and where it begins; of a mapping also where each key stands."""

    line: int
    value: "Scalar | list[Node] | dict[str, Node]"
    keys: dict[str, int] = field(default_factory=dict)

    def plain(self) -> Plain:
        """The value without its lines. At most MAX_DEPTH deep."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def line_of(self, path: Path) -> int:
        """The line of what lies at the path, or of the nearest thing above it that exists."""
        node, line = self, self.line
        for part in path:
            child = node.child(part)
            if child is None:
                break
            line = node.keys.get(part, child.line) if isinstance(part, str) else child.line
            node = child
        return line

    def child(self, part: str | int) -> "Node | None":
        """What lies under a key or an index."""
        if isinstance(self.value, dict) and isinstance(part, str):
            return self.value.get(part)
        if isinstance(self.value, list) and isinstance(part, int) and part < len(self.value):
            return self.value[part]
        return None


@dataclass
class _Open:
    """A collection whose end has not come; of a mapping, the key that waits for its value."""

    node: Node
    key: tuple[str, int] | None = None

    def add(self, child: Node) -> None:
        if isinstance(self.node.value, list):
            self.node.value.append(child)
        elif isinstance(self.node.value, dict):
            self._add_to_mapping(self.node.value, child)

    def _add_to_mapping(self, mapping: dict[str, Node], child: Node) -> None:
        if self.key is None:
            if isinstance(child.value, list | dict):
                raise YamlError(child.line, "a key is not text", "write 'name: value'")
            raise AssertionError("keys are given by `name`")
        name, line = self.key
        if name in mapping:
            first = self.node.keys[name]
            raise YamlError(line, f"{name!r} is given twice, first on line {first}", "leave one of them out")
        mapping[name] = child
        self.node.keys[name] = line
        self.key = None


def parse(text: str) -> list[Node]:
    """The documents of a file; empty ones are left out. YamlError: nothing of the file is taken."""
    if len(text.encode(errors="replace")) > MAX_BYTES:
        raise YamlError(0, f"the file is over {MAX_BYTES >> 20} MiB", "split it")
    documents = []
    for node in _documents(_events(text)):
        if node.value is not None:
            documents.append(node)
        if len(documents) > MAX_DOCUMENTS:
            raise YamlError(node.line, f"the file holds over {MAX_DOCUMENTS} documents", "split it")
    return documents


def plain_scalar(text: str) -> Scalar:
    """What a word without quotes means."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text


def _events(text: str) -> Iterator[yaml.Event]:
    try:
        yield from yaml.parse(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        cause = " ".join(part for part in (error.problem, error.context) if part)
        raise YamlError(
            mark.line + 1 if mark else 0, f"not YAML: {cause}", "check the indentation and quotes"
        ) from error
    except (yaml.YAMLError, UnicodeError) as error:
        raise YamlError(0, f"not YAML: {error}".splitlines()[0], "save the file as plain UTF-8 text") from error


def _documents(events: Iterator[yaml.Event]) -> Iterator[Node]:
    stack: list[_Open] = []
    nodes = 0
    for event in events:
        node: Node | None = None
        if isinstance(event, yaml.CollectionStartEvent | yaml.ScalarEvent | yaml.AliasEvent):
            nodes += 1
            _refuse_unwanted(event, nodes, len(stack))
        if isinstance(event, yaml.CollectionStartEvent):
            _key_must_be_text(stack, event)
            empty: list[Node] | dict[str, Node] = [] if isinstance(event, yaml.SequenceStartEvent) else {}
            stack.append(_Open(Node(_line(event), empty)))
        elif isinstance(event, yaml.CollectionEndEvent):
            node = stack.pop().node
        elif isinstance(event, yaml.ScalarEvent):
            if stack and isinstance(stack[-1].node.value, dict) and stack[-1].key is None:
                stack[-1].key = (event.value, _line(event))
            else:
                node = Node(_line(event), _scalar(event))
        if node is None:
            continue
        if stack:
            stack[-1].add(node)
        else:
            yield node


def _key_must_be_text(stack: list[_Open], event: yaml.CollectionStartEvent) -> None:
    if stack and isinstance(stack[-1].node.value, dict) and stack[-1].key is None:
        raise YamlError(
            _line(event), "a key is not text", "write 'name: value'; quote values that begin with '{' or '['"
        )


def _refuse_unwanted(event: yaml.Event, nodes: int, depth: int) -> None:
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
        raise YamlError(_line(event), "anchors and aliases are not supported", "write the value out where it is needed")
    if getattr(event, "tag", None):
        raise YamlError(_line(event), "tags are not supported", "leave the '!' out, or quote the text")
    if nodes > MAX_NODES:
        raise YamlError(_line(event), f"the file holds over {MAX_NODES} values", "split it")
    if depth >= MAX_DEPTH:
        raise YamlError(_line(event), f"nested over {MAX_DEPTH} deep", "no document needs that; check the brackets")


def _line(event: yaml.Event) -> int:
    return int(event.start_mark.line) + 1 if event.start_mark else 0


def _scalar(event: yaml.ScalarEvent) -> Scalar:
    # libyaml gives an empty style to what stands without quotes.
    return str(event.value) if event.style else plain_scalar(str(event.value))
