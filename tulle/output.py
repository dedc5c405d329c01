"""stdout is data in the form asked for; stderr is talk, and silent with --quiet."""

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TextIO, TypeVar

T = TypeVar("T")

_COLOURS = {"good": "32", "bad": "31", "weak": "2"}


class Format(StrEnum):
    """What `-o` takes."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """A column of a table; `wide` ones are shown by `-o wide` alone."""

    title: str
    value: Callable[[T], object]
    wide: bool = False


@dataclass(frozen=True, slots=True)
class View(Generic[T]):
    """How a kind of row is shown: as columns, as a name, as plain data."""

    columns: Sequence[Column[T]]
    name: Callable[[T], str]
    plain: Callable[[T], Mapping[str, Any]]

    def emit(self, rows: Sequence[T], form: Format) -> None:
        """Write the rows to stdout."""
        print(self.render(rows, form))  # noqa: T201 - stdout is data

    def render(self, rows: Sequence[T], form: Format) -> str:
        """The rows as text."""
        if form is Format.NAME:
            return "\n".join(self.name(row) for row in rows)
        if form in (Format.JSON, Format.YAML):
            return dump([self.plain(row) for row in rows], form)
        columns = [column for column in self.columns if form is Format.WIDE or not column.wide]
        return table([column.title for column in columns], [[str(c.value(row)) for c in columns] for row in rows])


def dump(data: object, form: Format) -> str:
    """Plain data as JSON or YAML."""
    if form is Format.JSON:
        return json.dumps(data, indent=2)
    import yaml

    return str(yaml.safe_dump(data, sort_keys=False, allow_unicode=True)).rstrip("\n")


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns aligned, titles in capitals, no lines drawn: greppable."""
    grid = [[title.upper() for title in titles], *rows]
    widths = [max(len(row[index]) for row in grid) for index in range(len(titles))]
    return "\n".join(
        "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in grid
    )


def say(line: str, *, quiet: bool = False) -> None:
    """Talk to the person at the terminal."""
    if not quiet:
        print(line, file=sys.stderr, flush=True)  # noqa: T201 - stderr is talk


def paint(text: str, colour: str, stream: TextIO) -> str:
    """`text` coloured ("good", "bad", "weak") where `stream` is a terminal and NO_COLOR is not set (no-color.org)."""
    if os.environ.get("NO_COLOR") or not stream.isatty():
        return text
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m"
