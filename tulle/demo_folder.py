"""The demo's folder: made anew at each start unless kept, and only ever deleted when it is a demo's."""

import shutil
from enum import Enum, auto
from pathlib import Path

from tulle.errors import UsageProblem

MARK = "this-is-a-tulle-demo"


class Before(Enum):
    """What becomes of an earlier run's data."""

    DELETE = auto()
    KEEP = auto()


def prepare(folder: Path, before: Before) -> Path:
    """The folder, absolute, mode 0700. Raises UsageProblem for one that holds something else."""
    folder = folder.absolute()
    if folder.is_dir() and any(folder.iterdir()):
        if not (folder / MARK).is_file():
            raise UsageProblem(f"--data {folder}: holds something that is no demo's", "name an empty or a new folder")
        if before is Before.DELETE:
            shutil.rmtree(folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / MARK).touch()
    return folder
