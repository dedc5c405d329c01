"""One process of the mesh under test: its ready line, its log, an orderly end."""

import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parents[2]
READY_LIMIT = 30.0  # seconds
STOP_LIMIT = 20.0


class NotReady(Exception):
    """A process ended or stayed silent instead of saying that it is ready; the text shows its log's end."""


@dataclass
class Child:
    """A started child; stdout is read by a thread, stderr goes to a file."""

    name: str
    process: subprocess.Popen[str]
    log: Path
    lines: list[str] = field(default_factory=list)
    _first: threading.Event = field(default_factory=threading.Event)

    @classmethod
    def start(cls, name: str, command: list[str], folder: Path, env: dict[str, str] | None = None) -> Self:
        log = folder / f"{name}.log"
        with log.open("ab") as errors:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, "NO_COLOR": "1", **(env or {})},
            )
        child = cls(name, process, log)
        threading.Thread(target=child._read, daemon=True).start()
        return child

    @classmethod
    def python(cls, name: str, module: str, arguments: list[str], folder: Path) -> Self:
        return cls.start(name, [sys.executable, "-m", module, *arguments], folder)

    def ready(self) -> dict[str, Any]:
        """The first line on stdout, as JSON."""
        if not self._first.wait(READY_LIMIT) or not self.lines:
            raise NotReady(f"{self.name} is not ready: {self.tail()}")
        parsed: dict[str, Any] = json.loads(self.lines[0])
        return parsed

    def first_line(self) -> str:
        if not self._first.wait(READY_LIMIT) or not self.lines:
            raise NotReady(f"{self.name} is not ready: {self.tail()}")
        return self.lines[0]

    def tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait(STOP_LIMIT)

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            self._first.set()
        self._first.set()
        self.process.stdout.close()
