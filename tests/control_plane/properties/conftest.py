"""One control plane a module: what one example leaves behind, the next ones find."""

from collections.abc import Iterator

import pytest

from tests.control_plane.properties.served import Served, served


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("properties") / "data") as running:
        yield running
