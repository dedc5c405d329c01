"""Processes that belong together: started in order, watched, stopped in the reverse order.

None is restarted silently: one that dies is reported by name, with its last lines.
"""

import asyncio
import json
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tulle.child import Child, Exit, Spawn
from tulle.errors import NotStarted

LAST_LINES = 12
LINE_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class Member:
    """A process by its name. `relay` gets its stderr lines as they come."""

    name: str
    spawn: Spawn
    relay: Callable[[str], None] | None = None


class Running:
    """A member that was started: its ready line, its last lines, its end."""

    def __init__(self, member: Member, child: Child, log: Path) -> None:
        self.member = member
        self.child = child
        self._log = log
        self._last: deque[str] = deque(maxlen=LAST_LINES)
        self._ready: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self.ended = asyncio.create_task(self._run())

    async def ready(self, seconds: float) -> dict[str, Any]:
        """The ready line, as data. Raises NotStarted with the member's last lines."""
        try:
            async with asyncio.timeout(seconds):
                return await self._ready
        except TimeoutError:
            raise NotStarted(f"{self.member.name} was not ready within {seconds:g} s{self.last_words()}") from None

    def last_words(self) -> str:
        """Its last lines on stderr, for a report."""
        lines = "".join(f"\n  {self.member.name} | {line}" for line in self._last)
        return f"; its last lines:{lines}\n  (all of them: {self._log})" if lines else f" (see {self._log})"

    async def _run(self) -> Exit:
        with self._log.open("a", encoding="utf-8") as log:
            await asyncio.gather(self._read_stdout(log.write), self._read_stderr(log.write))
        exited = await self.child.wait()
        if not self._ready.done():
            self._ready.set_exception(NotStarted(f"{self.member.name} {exited} before it was ready{self.last_words()}"))
            self._ready.exception()  # whoever never asked is told by `ended`
        return exited

    async def _read_stdout(self, write: Callable[[str], object]) -> None:
        async for line in _lines(self.child.process.stdout):
            write(line + "\n")
            if not self._ready.done() and (data := ready_line(line)):
                self._ready.set_result(data)

    async def _read_stderr(self, write: Callable[[str], object]) -> None:
        async for line in _lines(self.child.process.stderr):
            write(line + "\n")
            self._last.append(line)
            if self.member.relay:
                self.member.relay(line)


class Supervisor:
    """Holds the running members; `async with` it, and at its end nothing of them is left."""

    def __init__(self, logs: Path, grace_seconds: float) -> None:
        self._logs = logs
        self._grace = grace_seconds
        self._running: list[Running] = []

    async def __aenter__(self) -> "Supervisor":
        self._logs.mkdir(parents=True, exist_ok=True)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self, member: Member) -> Running:
        """Start it; wait for its ready line with `Running.ready`."""
        running = Running(member, await Child.start(member.spawn), self._logs / f"{member.name}.log")
        self._running.append(running)
        return running

    async def first_end(self) -> Running:
        """Wait until any member ends by itself."""
        await asyncio.wait([running.ended for running in self._running], return_when=asyncio.FIRST_COMPLETED)
        return next(running for running in self._running if running.ended.done())

    async def stop(self) -> None:
        """Stop all, last started first; those of one kind together, since each waits for nobody but itself."""
        while self._running:
            running = self._running.pop()
            await running.child.stop(self._grace)
            with suppress(asyncio.CancelledError):
                await running.ended

    async def stop_together(self, members: list[Running]) -> None:
        """Stop some members at the same time."""
        await asyncio.gather(*(running.child.stop(self._grace) for running in members))
        self._running = [running for running in self._running if running not in members]


def ready_line(line: str) -> dict[str, Any] | None:
    """`{"ready": "control-plane", …}` as data; None for any other line."""
    if not line.startswith("{"):
        return None
    try:
        data = json.loads(line)
    except json.JSONDecodeError:
        return None
    return data if isinstance(data, dict) and "ready" in data else None


async def _lines(stream: asyncio.StreamReader | None) -> Any:
    if stream is None:
        return
    while True:
        try:
            line = await stream.readline()
        except ValueError:
            continue  # a line over the reader's limit was dropped
        if not line:
            return
        yield line.decode(errors="replace").rstrip("\n")
