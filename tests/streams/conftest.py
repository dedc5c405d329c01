"""One mesh for the whole folder, since starting it takes longer than most tests: a test has a channel of its own."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.conformance.lane import Lane
from tests.conformance.scripted_server import Script, ScriptedServer
from tests.streams import pair, raw
from tests.streams.pair import Pair
from tests.streams.raw import Raw


@dataclass(frozen=True)
class Field:
    """Both applications, one caller of both."""

    streams: Pair
    raw: Raw


@pytest.fixture(scope="session")
def streams_field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    scripts: dict[str, Script] = {}
    lane, server = Lane(tmp_path_factory.mktemp("streams")), ScriptedServer(scripts)
    try:
        lane.start_control_plane()
        plain, scripted = pair.beside_an_application(lane), lane.beside(raw.NAME, server.port)
        caller = lane.caller_of(pair.NAME, raw.NAME)
        for name in (pair.NAME, raw.NAME):
            lane.reaches_any(caller, name)
        yield Field(Pair(lane, plain, caller), Raw(scripts, server, scripted, caller))
    finally:
        server.close()
        lane.close()


@pytest.fixture(scope="session")
def streams_lane(streams_field: Field) -> Lane:
    """For tests that add members of their own."""
    return streams_field.streams.lane


@pytest.fixture
def streams(streams_field: Field) -> Pair:
    return streams_field.streams


@pytest.fixture
def raw_server(streams_field: Field) -> Raw:
    return streams_field.raw
