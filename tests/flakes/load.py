"""Processes that keep the machine busy beside the tests."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# It ends by itself when whoever started it is gone.
BUSY = "import os; parent = os.getppid()\nwhile os.getppid() == parent: sum(range(100_000))"


@contextmanager
def load(processes: int) -> Iterator[list[int]]:
    """So many busy processes; gives their ids."""
    busy = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(processes)]
    try:
        yield [process.pid for process in busy]
    finally:
        for process in busy:
            process.kill()
            process.wait()
