"""A case's outcomes straight and through the mesh: the same, or it fails. Empty is a pass, None was not run."""

from dataclasses import replace
from typing import Final

from tests.conformance.result import Result

AGAIN: Final = 2  # times that a difference is looked at again: some cases are about a few milliseconds


def judge(part: str, name: str, without: str | None, through: str | None, seconds: float) -> Result:
    """One that fails both ways passes, and is noted."""
    if without is None or through is None or bool(without) != bool(through):
        said = [{None: "not run", "": "passes"}.get(outcome, outcome) for outcome in (without, through)]
        return Result(part, name, f"without the mesh: {said[0]}; with it: {said[1]}", seconds)
    return Result(part, name, "", seconds, f"fails with the mesh and without: {without}" if without else "")


def settled(before: Result, again: Result) -> Result:
    """What a second look says. A difference that has gone stays noted."""
    if again.reason or again.note:
        return again
    return replace(again, note=f"another outcome once, not again: {before.reason}")
