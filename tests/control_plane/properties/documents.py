"""YAML that people and machines could write: valid documents, the same with something changed, and anything at all."""

import json
from collections.abc import Callable, Iterator
from functools import cache
from math import isfinite
from typing import Any

import yaml
from hypothesis import strategies as st

from control_plane.policy.yaml_tree import parse
from tests.control_plane.properties.messages import FLOATS
from tests.control_plane.properties.words import DOCUMENTS
from tests.support.process import ROOT

SHOP = ROOT / "demo" / "policies"
LONG = 300
Draw = Callable[[st.SearchStrategy[Any]], Any]
Place = tuple[Any, Any]
"""A container and the key or index in it."""

ODD_TEXT = (
    *(
        "",
        " ",
        "\n",
        "a\nb",
        "\t",
        "\x00",
        "\x85",
        "\u2028",
        "\ufeff",
        "\ud800",
        "é🚀",
        "~",
        "null",
        "true",
        "-",
        "=",
        "<<",
    ),
    *(
        "0x1f",
        "1e5",
        ".inf",
        "NaN",
        "2024-99-99",
        "1:30",
        "!!python/object:os.system",
        "*x",
        "&x",
        "%",
        "'",
        '"',
        "{",
        "[",
    ),
    *("../../../etc/passwd", "x" * LONG, "spiffe://", "0s", "99999h", "1s1s1s1s1s"),
)
PUNCTUATION = ("", "\n", " ", ":", "- ", "{", "]", "&a ", "*a", "!t ", "---\n", "\x00")
KEYS = st.sampled_from(("kind", "spec", "metadata", "name", "namespace", "labels", "rules", "on", "protos", "mode"))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    FLOATS.filter(isfinite),
    st.sampled_from(ODD_TEXT),
    st.text(max_size=8),
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=6), inner, max_size=3),
    max_leaves=10,
)


@cache
def valid_documents() -> tuple[dict[str, Any], ...]:
    """The shop's policies and those of the tests, as trees."""
    texts = (*DOCUMENTS, *(path.read_text() for path in sorted(SHOP.glob("*.yaml"))))
    documents = [node.plain() for text in texts for node in parse(text)]
    return tuple(one for one in documents if isinstance(one, dict) and "protos" not in str(one.get("spec")))


@st.composite
def mutated_documents(draw: Draw) -> str:
    """One to three valid documents, changed in up to three places, in flow style (JSON is YAML) or in blocks."""
    chosen = draw(st.lists(st.sampled_from(valid_documents()), min_size=1, max_size=3))
    trees = [json.loads(json.dumps(document, default=str)) for document in chosen]
    for _ in range(draw(st.integers(0, 3))):
        _change(draw, draw(st.sampled_from(trees)))
    if draw(st.booleans()):
        return "---\n".join(json.dumps(tree, ensure_ascii=draw(st.booleans())) + "\n" for tree in trees)
    return str(yaml.safe_dump_all(trees, allow_unicode=True, sort_keys=False))


@st.composite
def mangled_text(draw: Draw) -> str:
    """A valid document whose text is cut, doubled or written over."""
    text: str = draw(st.sampled_from([json.dumps(tree, default=str) for tree in valid_documents()] + list(DOCUMENTS)))
    for _ in range(draw(st.integers(1, 3))):
        at, to = sorted((draw(st.integers(0, len(text))), draw(st.integers(0, len(text)))))
        put = draw(
            st.sampled_from(("", "\n", " ", ":", "- ", "{", "]", "&a ", "*a", "!t ", "---\n", "\x00", text[at:to]))
        )
        text = text[:at] + put + text[to if draw(st.booleans()) else at :]
    return text


def any_yaml() -> st.SearchStrategy[str]:
    """All of these, and noise."""
    trees = TREES.map(json.dumps)
    nested = st.integers(1, 3000).flatmap(lambda depth: st.sampled_from(["[" * depth, "{a: " * depth, "- " * depth]))
    return st.one_of(mutated_documents(), mutated_documents(), mangled_text(), trees, st.text(max_size=100), nested)


def _change(draw: Draw, tree: dict[str, Any]) -> None:
    places = list(_places(tree))
    if not places:
        return
    container, key = draw(st.sampled_from(places))
    match draw(st.sampled_from(("replace", "replace", "remove", "rename", "double", "wrap"))):
        case "replace":
            container[key] = draw(TREES)
        case "remove":
            del container[key]
        case "rename" if isinstance(container, dict):
            container[draw(KEYS | st.text(max_size=6))] = container.pop(key)
        case "double" if isinstance(container, list):
            container.append(container[key])
        case _:
            container[key] = [container[key]]


def _places(tree: Any) -> Iterator[Place]:
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in list(pairs):
        yield tree, key
        if isinstance(value, dict | list):
            yield from _places(value)
