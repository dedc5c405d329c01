"""Meshes that many cases share: a case has a connection of its own, so it needs no mesh of its own."""

from collections.abc import Iterator

import pytest

from tests.conformance.lane import Lane, upstream_address


@pytest.fixture(scope="module")
def lane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lane]:
    """A control plane alone; the module adds members."""
    started = Lane(tmp_path_factory.mktemp("lane")).start_control_plane()
    try:
        yield started
    finally:
        started.close()


@pytest.fixture(scope="module")
def echo_address(lane: Lane) -> str:
    """The application-facing port of a sidecar; an echo service stands behind another one."""
    lane.service("echo")
    caller = lane.caller_of("echo")
    lane.reaches(caller, "echo")
    return upstream_address(caller, "echo")
