"""One room for the whole folder, since a mesh takes longer to start than most tests."""

from collections.abc import Iterator

import pytest

from tests.conformance.lane import Lane
from tests.peers.build import build
from tests.peers.room import Room, opened


@pytest.fixture(scope="session")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """Raises NotBuilt where a stack's tools are not installed."""
    build()
    with opened(Lane(tmp_path_factory.mktemp("peers"))) as started:
        yield started
