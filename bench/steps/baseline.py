"""What was counted when it was last found good, and with what: `baseline.json`, which is committed."""

import json
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.steps.binary import HERE, CannotCount

FILE = HERE / "baseline.json"
REMEDY = "make bench-baseline writes it anew"


@dataclass(frozen=True)
class Made:
    """With what the instructions were made and counted."""

    rustc: str
    valgrind: str
    libc: str
    machine: str

    @classmethod
    def here(cls) -> "Made":
        """Raises CannotCount where a tool is missing."""
        return cls(
            _said("rustc", "--version"),
            _said("valgrind", "--version"),
            " ".join(platform.libc_ver()),
            platform.machine(),
        )

    def differences(self, now: "Made") -> list[str]:
        """What is not as it was, in words."""
        was, are = asdict(self), asdict(now)
        return [
            f"{field} is {are[field]}, the baseline's was {was[field]}" for field in was if was[field] != are[field]
        ]


@dataclass(frozen=True)
class Baseline:
    """Instructions a call by scenario."""

    made: Made
    instructions: Mapping[str, float]


def read(path: Path = FILE) -> Baseline:
    """Raises CannotCount, which names the file and the remedy."""
    try:
        told = json.loads(path.read_text())
        made = Made(**{field: str(told["made"][field]) for field in Made.__dataclass_fields__})
        return Baseline(made, {str(name): _figure(value) for name, value in told["instructions"].items()})
    except FileNotFoundError as error:
        raise CannotCount(f"{path} is missing: {REMEDY}") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CannotCount(f"{path} is no baseline ({type(error).__name__}: {error}): {REMEDY}") from error


def write(instructions: Mapping[str, float], path: Path = FILE) -> None:
    """Whole or not at all. Raises CannotCount."""
    rounded = {name: round(value, 1) for name, value in sorted(instructions.items())}
    when = {"after_commit": _said("git", "rev-parse", "--short", "HEAD"), "date": f"{datetime.now(UTC):%Y-%m-%d}"}
    told = {"made": asdict(Made.here()) | when, "instructions": rounded}
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(told, indent=2) + "\n")
    draft.replace(path)


def _figure(value: Any) -> float:
    figure = float(value)
    if not figure > 0:
        raise ValueError(f"{value} is no number of instructions")
    return figure


def _said(*command: str) -> str:
    try:
        return subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=True).stdout.strip()
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        hint = ": run make tools, or apt-get install valgrind" if command[0] == "valgrind" else ""
        raise CannotCount(f"{' '.join(command)} does not run{hint}") from error
