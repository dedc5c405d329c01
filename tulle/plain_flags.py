"""Reads the flags of a verb that stays as long as its application, without typer.

typer (0.29) is 3 MiB and 50 ms, and 9 MiB and 140 ms more for the pydantic adapter that it builds for each parameter:
every sidecar would carry them for its life. Help pages, completion and all other verbs go through typer; a test holds
the two readings equal.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tulle.errors import UsageProblem

_TRUE = ("1", "true", "t", "yes", "y", "on")
_FALSE = ("0", "false", "f", "no", "n", "off")
REQUIRED: Final = object()
"""The default of a flag that has none."""


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
    flags: Sequence[Flag], arguments: Sequence[str], environ: Mapping[str, str], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Their values from flag > variable > settings > default. Raises UsageProblem naming the flag."""
    given = _given(flags, arguments)
    return {flag.name: _value(flag, given.get(flag.name), environ, settings) for flag in flags}


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
    from difflib import get_close_matches

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
    if flag.default is REQUIRED:
        what = f"argument '{flag.name}'" if flag.positional else f"option '{flag.on}'"
        raise UsageProblem(f"missing {what}", "--help says what it is")
    return flag.default
