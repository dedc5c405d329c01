"""One mesh a module: an attacker has a connection of its own, and whatever it leaves behind would be found."""

from collections.abc import Iterator

import pytest

from tests.abuse.ring import Ring, ring
from tests.conformance.lane import Lane


@pytest.fixture(scope="module")
def lane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lane]:
    """A control plane alone; the module adds members."""
    started = Lane(tmp_path_factory.mktemp("abuse")).start_control_plane()
    try:
        yield started
    finally:
        started.close()


@pytest.fixture(scope="module")
def mesh_ring(lane: Lane) -> Iterator[Ring]:
    with ring(lane) as started:
        yield started
