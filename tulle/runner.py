"""A sidecar and the command beside it, in one process tree, in the right order at both ends.

start: sidecar ready => command.
stop: deregister => drain inbound => command => outbound => exit with the command's code.
"""

import asyncio
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from sidecar.app import SidecarAddresses, serve
from sidecar.config import SidecarConfig
from tulle.child import Child, Exit, Spawn
from tulle.command_environment import Capture, command_environment
from tulle.errors import UsageProblem
from tulle.ready import print_ready
from tulle.sidecar_settings import places
from tulle.stopping import stop_on_signals


def find_command(command: Sequence[str]) -> None:
    """Raises UsageProblem where the command cannot be started, before anything else is."""
    if shutil.which(command[0]) is not None:
        return
    there = Path(command[0]).exists() and os.sep in command[0]
    cause = "cannot be executed" if there else "no such command"
    raise UsageProblem(f"COMMAND {command[0]}: {cause}", "check the path, or say how it is run: -- python server.py")


async def run_beside(
    config: SidecarConfig, command: Sequence[str], capture: Capture, environ: Mapping[str, str]
) -> Exit:
    """Until the command has ended, by itself or because we were told to stop. Raises SidecarError."""
    stop = stop_on_signals()
    beside = _Command(command, capture, environ, config.grace.total_seconds(), stop)

    def ready(addresses: SidecarAddresses) -> None:
        print_ready("sidecar", places(addresses, config))
        beside.start(addresses.outbound)

    try:
        await serve(config, ready, stop, before_shutdown=beside.stop)
    finally:
        # Where the sidecar itself failed, its command must not stay behind without it.
        await beside.stop()
    return beside.exited


class _Command:
    """The command: started once the sidecar is ready; its own end sets `stop`."""

    def __init__(
        self, command: Sequence[str], capture: Capture, environ: Mapping[str, str], grace: float, stop: asyncio.Event
    ) -> None:
        self._command = command
        self._capture = capture
        self._environ = environ
        self._grace = grace
        self._stop = stop
        self._child: Child | None = None
        self._task: asyncio.Task[None] | None = None
        self._spawned = asyncio.Event()
        self.exited = Exit(0)

    def start(self, outbound: str) -> None:
        self._task = asyncio.create_task(self._run(outbound))

    async def stop(self) -> None:
        """SIGTERM, then SIGKILL after the grace; returns when it has ended. Nothing where it was never started."""
        if self._task is None:
            return
        await self._spawned.wait()
        if self._child is not None and not self._task.done():
            await self._child.stop(self._grace)
        await self._task

    async def _run(self, outbound: str) -> None:
        try:
            spawn = Spawn(self._command, command_environment(self._environ, outbound, self._capture))
            self._child = await Child.start(spawn)
            self._spawned.set()
            self.exited = await self._child.wait()
        finally:
            self._spawned.set()
            self._stop.set()
