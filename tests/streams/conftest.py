"""One mesh a module: a test has a channel of its own."""

from collections.abc import Iterator

import pytest

from tests.conformance.lane import Lane
from tests.streams.pair import Pair, pair


@pytest.fixture(scope="module")
def lane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lane]:
    """A control plane alone; the module adds members."""
    started = Lane(tmp_path_factory.mktemp("streams")).start_control_plane()
    try:
        yield started
    finally:
        started.close()


@pytest.fixture(scope="module")
def streams(lane: Lane) -> Iterator[Pair]:
    with pair(lane) as started:
        yield started
