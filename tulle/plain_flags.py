"""Reads the flags of a verb that stays as long as its application: the same declarations, without typer's machinery.

typer (0.29) builds a pydantic adapter for each parameter: 9 MiB and 140 ms that every sidecar would carry for its life.
Help pages, completion and all other verbs go through typer; a test holds the two readings equal.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from typer.models import ArgumentInfo, OptionInfo

from tulle.errors import UsageProblem

_TRUE = ("1", "true", "t", "yes", "y", "on")
_FALSE = ("0", "false", "f", "no", "n", "off")
_MISSING = object()


@dataclass(frozen=True, slots=True)
class Flag:
    """A parameter as it is declared. `kind` is str, int, bool or Path; `off` is the flag that says no."""

    name: str
    on: str
    off: str
    kind: type
    many: bool
    positional: bool
    variable: str
    least: float | None
    most: float | None
    default: Any

    def read(self, text: str) -> Any:
        """One value. Raises UsageProblem naming the flag."""
        if self.kind is bool:
            if text.lower() not in _TRUE + _FALSE:
                raise UsageProblem(
                    f"invalid value for '{self.on}': {text!r} is neither true nor false", "write true or false"
                )
            return text.lower() in _TRUE
        if self.kind is not int:
            return self.kind(text)
        try:
            value = int(text)
        except ValueError:
            raise UsageProblem(
                f"invalid value for '{self.on}': {text!r} is no whole number", "write digits alone"
            ) from None
        if (self.least is not None and value < self.least) or (self.most is not None and value > self.most):
            raise UsageProblem(
                f"invalid value for '{self.on}': {value} is out of range", f"give {self.least} to {self.most}"
            )
        return value


def read_flags(
    function: Callable[..., Any], arguments: Sequence[str], environ: Mapping[str, str], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """The function's arguments from flag > variable > settings > default. Raises UsageProblem naming the flag."""
    flags = list(declared(function))
    given = _given(flags, arguments)
    return {flag.name: _value(flag, given.get(flag.name), environ, settings) for flag in flags}


def declared(function: Callable[..., Any]) -> Iterator[Flag]:
    """The flags that a verb's signature declares."""
    hints = get_type_hints(function, include_extras=True)
    for name, parameter in inspect.signature(function).parameters.items():
        annotation, info = get_args(hints[name])[:2] if get_origin(hints[name]) is Annotated else (hints[name], None)
        if not isinstance(info, OptionInfo | ArgumentInfo):
            raise TypeError(f"{function.__name__}: {name} is declared neither as an option nor as an argument")
        yield _flag(name, annotation, info, _MISSING if parameter.default is parameter.empty else parameter.default)


def _flag(name: str, annotation: Any, info: OptionInfo | ArgumentInfo, default: Any) -> Flag:
    plain = _without_none(annotation)
    many = get_origin(plain) is list
    # In an annotation, the first of the names that are given lands in `default`.
    words = [word for word in (info.default, *(info.param_decls or ())) if isinstance(word, str) and word[:2] == "--"]
    on, _, off = (words[0] if words else f"--{name.replace('_', '-')}").partition("/")
    variable = info.envvar if isinstance(info.envvar, str) else f"TULLE_{name.upper()}"
    return Flag(
        name=name,
        on=on,
        off=off,
        kind=get_args(plain)[0] if many else plain,
        many=many,
        positional=isinstance(info, ArgumentInfo),
        variable=variable,
        least=info.min,
        most=info.max,
        default=default,
    )


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, UnionType):
        return next(part for part in get_args(annotation) if part is not type(None))
    return annotation


def _given(flags: Sequence[Flag], arguments: Sequence[str]) -> dict[str, list[str]]:
    by_word = {word: flag for flag in flags if not flag.positional for word in (flag.on, flag.off) if word}
    rest = next((flag.name for flag in flags if flag.positional), None)
    given: dict[str, list[str]] = {}
    words = iter(arguments)
    for word in words:
        if word == "--":
            given.setdefault(rest or "", []).extend(words)
        elif not word.startswith("-"):
            given.setdefault(rest or "", []).append(word)
        else:
            name, equals, value = word.partition("=")
            flag = by_word.get(name) or _unknown(name, by_word)
            given.setdefault(flag.name, []).append(value if equals else _next(flag, name, words))
    if rest is None and given.get(""):
        raise UsageProblem(f"got unexpected extra argument ({given[''][0]})", "flags begin with --")
    return given


def _next(flag: Flag, word: str, words: Iterator[str]) -> str:
    if flag.kind is bool:
        return "false" if word == flag.off else "true"
    value = next(words, None)
    if value is None:
        raise UsageProblem(f"option '{word}' requires an argument", f"write {word} VALUE")
    return value


def _unknown(word: str, known: Mapping[str, Flag]) -> Flag:
    near = get_close_matches(word, known, 1)
    raise UsageProblem(f"no such option: {word}", f"did you mean '{near[0]}'?" if near else "--help lists the options")


def _value(flag: Flag, given: list[str] | None, environ: Mapping[str, str], settings: Mapping[str, Any]) -> Any:
    texts = given
    if texts is None and not flag.positional and environ.get(flag.variable):
        texts = environ[flag.variable].split() if flag.many else [environ[flag.variable]]
    if texts is None and flag.name in settings:
        found = settings[flag.name]
        texts = [str(part) for part in found] if isinstance(found, list) else [str(found)]
    if texts is not None:
        return [flag.read(text) for text in texts] if flag.many else flag.read(texts[-1])
    if flag.default is _MISSING:
        what = f"argument '{flag.name}'" if flag.positional else f"option '{flag.on}'"
        raise UsageProblem(f"missing {what}", "--help says what it is")
    return flag.default
