"""A child process in its own process group, that ends with its parent whatever ends the parent."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tulle.errors import NotStarted

LAUNCHER = Path(__file__).with_name("launcher.py")


@dataclass(frozen=True, slots=True)
class Exit:
    """How a process ended: `code` as a shell has it, 128 + the signal's number where one ended it."""

    code: int

    def __str__(self) -> str:
        if self.code > 128:
            with suppress(ValueError):
                return f"was ended by {signal.Signals(self.code - 128).name}"
        return f"exited with code {self.code}"


@dataclass(frozen=True, slots=True)
class Spawn:
    """What to start. `dies_by` is what the kernel sends when we are gone; `piped`: its output is read by us."""

    command: Sequence[str]
    environment: Mapping[str, str]
    dies_by: signal.Signals = signal.SIGKILL
    piped: bool = False


class Child:
    """A running child. Signals go to its whole group, so that a shell's own children are not left behind."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    @classmethod
    async def start(cls, spawn: Spawn) -> "Child":
        """Raises NotStarted when the system has no room for a process."""
        pipe = asyncio.subprocess.PIPE if spawn.piped else None
        launch = [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), str(int(spawn.dies_by))]
        try:
            process = await asyncio.create_subprocess_exec(
                *launch,
                *spawn.command,
                stdin=asyncio.subprocess.DEVNULL if spawn.piped else None,
                stdout=pipe,
                stderr=pipe,
                env=dict(spawn.environment),
                # A group of its own: Ctrl-C reaches the parent alone, which then stops its children in order.
                process_group=0,
            )
        except OSError as error:
            raise NotStarted(f"{spawn.command[0]}: {error.strerror}") from error
        return cls(process)

    async def wait(self) -> Exit:
        """Until it has ended by itself or by a signal."""
        code = await self.process.wait()
        return Exit(code if code >= 0 else 128 - code)

    async def stop(self, grace_seconds: float) -> Exit:
        """SIGTERM, then SIGKILL after `grace_seconds`; afterwards nothing of its group is left."""
        self.signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(grace_seconds):
                exited = await self.wait()
        except TimeoutError:
            self.signal(signal.SIGKILL)
            exited = await self.wait()
        self.signal(signal.SIGKILL)
        return exited

    def signal(self, number: signal.Signals) -> None:
        """Send to the group; nothing where nobody of it is left."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)
