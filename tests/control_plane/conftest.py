from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.control_plane.control_plane_harness import Running, control_plane


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    async with control_plane(tmp_path / "data") as it:
        yield it
