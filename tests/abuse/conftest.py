"""One mesh a module: an attacker has a connection of its own, and whatever it leaves behind would be found."""

from collections.abc import Iterator

import pytest

from tests.abuse.ring import Ring, quick_ring, ring
from tests.conformance.lane import Lane


@pytest.fixture(scope="module")
def lane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lane]:
    """A control plane alone; the module adds members."""
    yield from _lane(tmp_path_factory)


@pytest.fixture(scope="module")
def quick_lane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lane]:
    """Another one."""
    yield from _lane(tmp_path_factory)


def _lane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lane]:
    started = Lane(tmp_path_factory.mktemp("abuse")).start_control_plane()
    try:
        yield started
    finally:
        started.close()


@pytest.fixture(scope="module")
def mesh_ring(lane: Lane) -> Iterator[Ring]:
    with ring(lane) as started:
        yield started


@pytest.fixture(scope="module")
def before_quick(quick_lane: Lane) -> Iterator[Ring]:
    """A ring whose application is never what a victim waits for."""
    with quick_ring(quick_lane) as started:
        yield started
