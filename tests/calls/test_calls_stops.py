"""A sidecar that stops gives up nothing that it has accepted, and its application may still call."""

import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.calls.application import answer
from tests.calls.caller import Caller
from tests.calls.chain import Forwarder
from tests.calls.place import Place, guests, settled
from tests.calls.slow_reader import SlowReader
from tests.conformance.lane import Lane

pytestmark = pytest.mark.real

SIZE = 300_000
GRACE = 30.0
OWED = 3.0  # seconds from a call to the call that it needs


@pytest.fixture(scope="module")
def stopping(calls_lane: Lane) -> Iterator[Place]:
    with settled(calls_lane, "stopping", "--limit", "stream_window_bytes=1048576") as place:
        place.app.scripts["long"] = answer(message=bytes(SIZE))
        yield place


@pytest.mark.parametrize("whose", ["caller", "callee"])
def test_an_answer_on_its_way_to_a_slow_reader_comes_whole_though_a_sidecar_stops(whose: str, stopping: Place) -> None:
    caller = stopping.lane.caller_of(stopping.name)
    stopping.lane.reaches_any(caller, stopping.name)
    sidecar = {"caller": caller, "callee": stopping.callee}[whose].sidecar
    reader = SlowReader(str(caller.addresses["outbound"]), stopping.authority)
    with closing(reader.peer):
        reader.read_for(0.5)
        sidecar.process.terminate()
        reader.read_for(GRACE)
    code = sidecar.process.wait(GRACE)
    assert reader.body == SIZE + 5, f"{reader.body} of {SIZE + 5} bytes; the sidecar ended with {code}"
    assert reader.is_whole, "its trailers came"
    assert code == 0


def test_an_application_that_is_stopped_with_its_sidecar_may_still_make_the_calls_that_it_owes(
    calls_lane: Lane,
) -> None:
    """Both get SIGTERM; a call under way needs a new one to another service long after the drain began."""
    forwarder = Forwarder("owed", delay=OWED)
    with settled(calls_lane, "owed") as place, closing(forwarder), guests(calls_lane):
        beside = calls_lane.beside("leaving", forwarder.port)
        forwarder.calls_by(beside)
        calls_lane.allow("leaving", "caller")
        calls_lane.allow("owed", "leaving")
        calls_lane.reaches_any(place.caller, "leaving")
        with Caller(place.outbound, "leaving.test") as caller:
            stream = caller.begin(("x-case", "owed"))
            place.app.scripts["owed"] = answer()
            time.sleep(0.3)
            beside.sidecar.process.terminate()
            seen = caller.answer(stream)
        assert seen.status == "0", seen.told()
        assert len(place.app.of("owed")) == 1
        assert beside.sidecar.process.wait(GRACE) == 0
