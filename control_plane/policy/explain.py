"""What the validator says, in the words of whoever wrote the document: field, cause, remedy."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from control_plane.policy import later
from control_plane.policy.problem import Problem
from control_plane.policy.suggest import did_you_mean
from control_plane.policy.yaml_tree import Node, Path

_KINDS_OF_VALUE: Final = {"str": "text", "int": "a number", "float": "a number", "bool": "true or false"}
_WANTED: Final = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
_HOW_TO_WRITE: Final = {
    "text": "write one value, not several",
    "a whole number": "write digits, without quotes",
    "true or false": "write true or false, without quotes",
    "a list": "begin each item with '- ', or write [a, b]",
    "a mapping": "write 'name: value' under it, or {name: value}",
}
_WORD: Final = re.compile(r"[A-Za-z0-9_/-][A-Za-z0-9_./-]*")
_LOOK_UP: Final = "the schema says what may stand here"


def problems(error: ValidationError, model: type[BaseModel], file: str, node: Node) -> list[Problem]:
    """One problem for each of the validator's errors."""
    found = []
    details = error.errors(include_url=False)
    for detail in details:
        # Of a mapping's bad key pydantic names the key, and then that it is one.
        path = tuple(part for part in detail["loc"] if part != "[key]")
        if detail["type"] == "too_short" and any(_is_under(other["loc"], path) for other in details):
            continue  # its items are there, and refused one by one
        cause, hint = _explain(detail, path, model)
        found.append(Problem(file, node.line_of(path), field_path(path), cause, hint))
    return found


def field_path(path: Path) -> str:
    """ "spec.rules[0].name"; a key that is no word, as labels may have, is quoted."""
    return "".join(f".{part}" if _is_word(part) else f"[{part!r}]" for part in path).removeprefix(".")


def _is_word(part: str | int) -> bool:
    return isinstance(part, str) and _WORD.fullmatch(part) is not None


def known_fields(model: type[BaseModel], path: Path) -> frozenset[str]:
    """The fields that a mapping at this path may have."""
    models = {model}
    for part in path:
        if isinstance(part, str):
            models = {inner for outer in models for inner in _models(_annotation(outer, part))}
    return frozenset(alias for one in models for alias in _aliases(one))


def _is_under(inner: Path, outer: Path) -> bool:
    return len(inner) > len(outer) and inner[: len(outer)] == outer


def _explain(detail: ErrorDetails, path: Path, model: type[BaseModel]) -> tuple[str, str]:
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "tulle":
        return str(context["cause"]), str(context["hint"])
    if kind == "extra_forbidden":
        return _moved_field(path) or _unknown_field(str(path[-1]), known_fields(model, path[:-1]))
    if kind == "missing":
        return "is required and missing", f"add {path[-1]!r}"
    if kind == "literal_error":
        return _not_one_of(str(path[-1]), value, _choices(context))
    if kind in _WANTED:
        return _wrong_type(value, _WANTED[kind])
    return _out_of_bounds(kind, value, context) or (detail["msg"][:1].lower() + detail["msg"][1:], _LOOK_UP)


def _moved_field(path: Path) -> tuple[str, str] | None:
    block, name = str(path[-2]) if len(path) > 1 else "", str(path[-1])
    now = later.MOVED.get((block, name))
    if now is None:
        return None
    return f"{name!r} has moved from '{block}' to '{now}'", f"write it under '{now}:', beside '{block}:'"


def _unknown_field(name: str, known: frozenset[str]) -> tuple[str, str]:
    if name in later.FIELDS:
        return f"{name!r} ({later.FIELDS[name]}) is not supported yet", "leave it out"
    if name == later.UNEXPANDED:
        return (
            "'protos' arrived unexpanded: the control plane cannot read the paths of your machine",
            "send the document with 'tulle apply', which turns protos into methods, or write 'methods'",
        )
    return f"unknown field {name!r}", did_you_mean(name, known)


def _not_one_of(field: str, value: object, choices: list[str]) -> tuple[str, str]:
    if not isinstance(value, str):
        return _wrong_type(value, " or ".join(choices))
    if (field, value) in later.VALUES:
        return f"{field} {value!r} is not supported yet", f"use {' or '.join(choices)}"
    return f"{value!r} is not one of {', '.join(choices)}", did_you_mean(value, choices)


def _wrong_type(value: object, wanted: str) -> tuple[str, str]:
    if value is None:
        return f"is empty where {wanted} is expected", "give a value, or leave the field out"
    if isinstance(value, list | dict):
        given = "a list" if isinstance(value, list) else "a mapping"
        return f"is {given} where {wanted} is expected", _HOW_TO_WRITE.get(wanted, f"write {wanted}")
    given = _KINDS_OF_VALUE.get(type(value).__name__, "something else")
    hint = f'quote it: "{value}"' if wanted == "text" else _HOW_TO_WRITE.get(wanted, f"write {wanted}")
    return f"{_short(value)} is {given} where {wanted} is expected", hint


def _out_of_bounds(kind: str, value: object, context: Mapping[str, Any]) -> tuple[str, str] | None:
    if kind == "less_than_equal":
        return f"{_short(value)} is over the maximum of {context['le']}", f"use {context['le']} or less"
    if kind == "greater_than_equal":
        return f"{_short(value)} is under the minimum of {context['ge']}", f"use {context['ge']} or more"
    if kind in ("too_short", "string_too_short"):
        return "is empty", "give at least one value, or leave the field out"
    if kind in ("too_long", "string_too_long"):
        return f"is too long: at most {context['max_length']}", "split the document, or shorten the text"
    if kind == "string_pattern_mismatch":
        return f"{_short(value)} holds characters that are not allowed", f"it must match {context['pattern']}"
    return None


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"


def _choices(context: Mapping[str, Any]) -> list[str]:
    return [choice.strip("'") for choice in str(context["expected"]).replace(" or ", ", ").split(", ")]


def _annotation(model: type[BaseModel], alias: str) -> object:
    return next(
        (field.annotation for name, field in model.model_fields.items() if (field.alias or name) == alias), None
    )


def _aliases(model: type[BaseModel]) -> Iterator[str]:
    return (field.alias or name for name, field in model.model_fields.items())


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)
