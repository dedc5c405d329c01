"""A mesh for a test; pytest's own folder keeps the logs of a failed one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.mesh import Mesh


@pytest.fixture
def mesh(tmp_path: Path) -> Iterator[Mesh]:
    """A control plane alone; the test adds services."""
    started = Mesh(tmp_path).start_control_plane()
    try:
        yield started
    finally:
        started.close()
