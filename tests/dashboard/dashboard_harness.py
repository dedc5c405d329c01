"""A dashboard that runs in a test's own loop, in front of a control plane double."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from dashboard.app import DashboardConfig, run
from tests.dashboard.dashboard_double import ControlPlaneDouble

_START = 20.0


@dataclass(frozen=True)
class Running:
    """A dashboard that serves: its sign-in link, its address, and the double behind it."""

    link: str
    control_plane: ControlPlaneDouble

    @property
    def base(self) -> str:
        """scheme://host:port"""
        return self.link.partition("/?")[0]

    @property
    def host(self) -> str:
        """host:port"""
        return self.base.partition("//")[2]

    @property
    def port(self) -> int:
        """The port it bound."""
        return int(self.host.rpartition(":")[2])

    @property
    def token(self) -> str:
        """What the link signs in with."""
        return self.link.partition("token=")[2]


@contextlib.asynccontextmanager
async def serving(config: DashboardConfig, control_plane: ControlPlaneDouble) -> AsyncIterator[Running]:
    """Runs a dashboard in this loop and stops it at the end."""
    stop, link = asyncio.Event(), asyncio.get_running_loop().create_future()
    task = asyncio.create_task(run(config, link.set_result, stop))
    try:
        await asyncio.wait({task, link}, timeout=_START, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        yield Running(link.result(), control_plane)
    finally:
        stop.set()
        await task


def config_for(control_plane: ControlPlaneDouble, folder: Path) -> DashboardConfig:
    """A dashboard on a free port with that double's credential."""
    credential = folder / "operator.json"
    credential.write_text(control_plane.credential())
    period = timedelta(milliseconds=250)
    return DashboardConfig(credential=credential, session_dir=folder / "session", port=0, period=period)
