"""One control plane for the folder; a module has sidecars and an application of its own."""

from collections.abc import Iterator

import pytest

from tests.conformance.lane import Lane


@pytest.fixture(scope="session")
def calls_lane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lane]:
    started = Lane(tmp_path_factory.mktemp("calls"))
    try:
        yield started.start_control_plane()
    finally:
        started.close()
