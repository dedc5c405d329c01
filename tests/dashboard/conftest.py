"""Fixtures of the dashboard's tests: a control plane double, a dashboard before it, a browser."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

from tests.dashboard.dashboard_double import ControlPlaneDouble
from tests.dashboard.dashboard_harness import Running, config_for, serving

_CHROMIUM = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture
async def control_plane() -> AsyncIterator[ControlPlaneDouble]:
    """A double that is up."""
    double = ControlPlaneDouble()
    await double.start()
    yield double
    await double.stop()


@pytest.fixture
async def dashboard(control_plane: ControlPlaneDouble, tmp_path: Path) -> AsyncIterator[Running]:
    """A dashboard that follows the double."""
    async with serving(config_for(control_plane, tmp_path), control_plane) as running:
        yield running


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium."""
    path = shutil.which("chromium")
    assert path, "install Debian's package chromium"
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=path, args=list(_CHROMIUM))
        yield chromium
        await chromium.close()
