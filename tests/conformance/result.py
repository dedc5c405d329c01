"""What a case came to, and the table and the file of all of them."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Result:
    """`part` and `name` name the case; `reason` is empty for a pass; `note` is told in either case."""

    part: str
    name: str
    reason: str
    seconds: float
    note: str = ""

    @property
    def passed(self) -> bool:
        return not self.reason


@dataclass(frozen=True)
class NotRun:
    """A part whose program could not be had: neither passed nor failed, and never left out of the table."""

    part: str
    why: str


def table(results: Sequence[Result], not_run: Sequence[NotRun] = ()) -> str:
    """One line a part, then the failures with their reasons, then the notes."""
    parts = list(dict.fromkeys(result.part for result in results))
    width = max((len(row) for row in (*parts, *(absent.part for absent in not_run))), default=0)
    lines = [f"{'part':<{width}}  passed   of  seconds"]
    for part in parts:
        of_part = [result for result in results if result.part == part]
        passed, seconds = sum(result.passed for result in of_part), sum(result.seconds for result in of_part)
        lines.append(f"{part:<{width}}  {passed:>6} {len(of_part):>4}  {seconds:>7.1f}")
    lines += [f"{absent.part:<{width}}  NOT RUN  {absent.why}" for absent in not_run]
    lines += [f"FAILED {result.part}: {result.name}: {result.reason}" for result in results if not result.passed]
    lines += [f"note   {result.part}: {result.name}: {result.note}" for result in results if result.note]
    return "\n".join(lines)


def write(results: Sequence[Result], not_run: Sequence[NotRun], path: Path) -> None:
    """All of it as JSON, whole or not at all. `passed` speaks of what was run, `complete` says whether that was all."""
    rows = [{**asdict(result), "passed": result.passed} for result in results]
    whole = {
        "passed": all(row["passed"] for row in rows),
        "complete": not not_run,
        "not_run": [asdict(absent) for absent in not_run],
        "cases": rows,
    }
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(whole, indent=1))
    draft.replace(path)
