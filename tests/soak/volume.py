"""Calls by the hundred thousand: bench's load generator and backend, through the sidecars that are measured.

It stands beside every fault and is touched by none of them, so that not one of its calls may fail.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.load import BINARIES, Load, build
from tests.support.mesh import NAMESPACE
from tests.support.process import Child

NAME = "volume"
CONNECTIONS, STREAMS, PAYLOAD = 4, 16, 100
SPARE = 30.0  # seconds beyond its own that the generator may take


def prepare() -> None:
    """Build both programs; where they are as their sources, that is nothing. Raises bench.processes.ProcessFailed."""
    build()


@contextmanager
def backend(folder: Path) -> Iterator[int]:
    """The echo backend, and its port."""
    child = Child.start("volume-backend", [str(BINARIES / "tulle-backend"), "--listen", "127.0.0.1:0"], folder)
    try:
        yield int(str(child.ready()["address"]).rpartition(":")[2])
    finally:
        child.kill()


class Volume:
    """A generator at a rate, from `start` to `finish`."""

    def __init__(self, outbound: str, seconds: float, rate: int) -> None:
        self._seconds = seconds
        flags = {
            "--target": outbound,
            "--authority": f"{NAME}.{NAMESPACE}",
            "--payload": PAYLOAD,
            "--connections": CONNECTIONS,
            "--streams": STREAMS,
            "--seconds": seconds,
            "--rate": rate,
        }
        command = [str(BINARIES / "tulle-loadgen"), *(str(part) for flag in flags.items() for part in flag)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def finish(self) -> Load:
        """What came of it, once it is over. AssertionError: it ended by itself."""
        out, errors = self._process.communicate(timeout=self._seconds + SPARE)
        assert self._process.returncode == 0, f"the load generator: {errors.strip()[-300:]}"
        return Load(**json.loads(out))

    def abandon(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()
