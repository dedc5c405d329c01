"""The telemetry file behind a thread of its own, so that waiting for the disk stops no call."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ParamSpec, Self, TypeVar

from control_plane.errors import StoppingError
from control_plane.telemetry.tables import Tables

P = ParamSpec("P")
T = TypeVar("T")


class Archive:
    """`Tables`, asynchronously."""

    def __init__(self, tables: Tables, executor: ThreadPoolExecutor) -> None:
        self.tables = tables
        self._executor = executor
        self._closed = False

    @classmethod
    async def open(cls, path: Path) -> Self:
        """TelemetryFileError: the file cannot be used."""
        executor = ThreadPoolExecutor(1, thread_name_prefix="telemetry")
        try:
            tables = await asyncio.get_running_loop().run_in_executor(executor, Tables, path)
        except BaseException:
            executor.shutdown()
            raise
        return cls(tables, executor)

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a method of `tables` in the file's thread."""
        if self._closed:
            raise StoppingError("telemetry is closed")
        return await asyncio.get_running_loop().run_in_executor(self._executor, lambda: call(*args, **kwargs))

    async def close(self) -> None:
        """Close the file; a second time does nothing."""
        if not self._closed:
            self._closed = True
            await asyncio.get_running_loop().run_in_executor(self._executor, self.tables.close)
            self._executor.shutdown()
