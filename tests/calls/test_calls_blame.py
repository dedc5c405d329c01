"""Who is blamed for a call that failed: an application's statuses and an impatient caller take nothing from others."""

import threading
import time
from collections.abc import Iterator

import pytest

from tests.abuse.counted import Counter
from tests.calls.application import silence, status
from tests.calls.caller import Answer
from tests.calls.place import Place, settled, traffic
from tests.calls.ticking import ticking
from tests.calls.two import Two, two
from tests.conformance import frames as f
from tests.conformance.lane import Lane
from tests.conformance.scripted_server import Conversation

pytestmark = pytest.mark.real

TURNS = "loadBalancing: {policy: round_robin}"
IN_A_ROW = 20
EJECTIONS = Counter("tulle_endpoint_ejections_total")
CODES = {"UNKNOWN": 2, "DEADLINE_EXCEEDED": 4, "INTERNAL": 13, "UNAVAILABLE": 14, "DATA_LOSS": 15}
CALLERS_OWN = {"CANCELLED": 1, "INVALID_ARGUMENT": 3, "NOT_FOUND": 5, "RESOURCE_EXHAUSTED": 8, "ABORTED": 10}


@pytest.fixture(scope="module")
def single(calls_lane: Lane) -> Iterator[Place]:
    with settled(calls_lane, "single") as place:
        place.app.scripts |= {"ticks": ticking(place.app), "silence": silence, "reset": reset}
        place.app.scripts |= {name: status(code) for name, code in (CODES | CALLERS_OWN).items()}
        yield place


@pytest.fixture(scope="module")
def double(calls_lane: Lane) -> Iterator[Two]:
    with two(calls_lane, "double") as pair:
        pair.lane.apply(traffic(pair.name, TURNS))
        yield pair


def reset(conversation: Conversation, stream: int) -> None:
    conversation.requests.pop(stream, None)
    conversation.send(f.rst_stream(stream, f.INTERNAL_ERROR))


@pytest.mark.parametrize("case", [*CALLERS_OWN, *CODES, "reset"])
def test_a_single_instance_is_never_ejected(case: str, single: Place) -> None:
    before = len(single.app.of(case))
    with single.connect() as caller, single.connect() as neighbour:
        for _ in range(IN_A_ROW):
            caller.case(case)
        assert len(single.app.of(case)) == before + IN_A_ROW, "every call reaches it"
        beside = neighbour.call()
    assert beside.status == "0", beside.told()


def test_streams_that_answered_and_end_by_their_deadline_take_nothing_from_others(single: Place) -> None:
    with single.connect() as caller, single.connect() as neighbour:
        begun = [caller.begin(("x-case", "ticks"), ("grpc-timeout", "250m")) for _ in range(IN_A_ROW)]
        ended = [caller.answer(stream) for stream in begun]
        assert {seen.status for seen in ended} == {"4"}, ended[-1].told()
        assert all(seen.body for seen in ended)
        beside = neighbour.call()
    assert beside.status == "0", beside.told()


def test_cancelled_calls_take_nothing_from_others(double: Two) -> None:
    double.both("slow", silence)
    before = EJECTIONS.of(double.caller)
    with double.connect() as hasty, double.connect() as well:
        for _ in range(IN_A_ROW):
            stream = hasty.begin(("x-case", "slow"))
            time.sleep(0.002)
            hasty.cancel(stream)
        beside = well.call()
    assert beside.status == "0", beside.told()
    assert EJECTIONS.of(double.caller) == before


def test_deadlines_that_are_too_short_take_nothing_from_a_patient_caller(double: Two) -> None:
    """20 calls of 1 to 20 ms to a method that takes 50 ms, nothing between them."""
    double.both("slow", silence)
    before = EJECTIONS.of(double.caller)
    with double.connect() as impatient, double.connect() as patient:
        for number in range(IN_A_ROW * 2):
            hasty = impatient.case("slow", ("grpc-timeout", f"{1 + number // 2}m"))
            assert hasty.status == "4", hasty.told()
            if number % 8 == 7:
                beside = patient.call()
                assert beside.status == "0", beside.told()
    assert EJECTIONS.of(double.caller) == before


@pytest.mark.parametrize("code", [2, 4, 13])
def test_a_method_that_always_fails_takes_nothing_from_a_caller_of_others(code: int, double: Two) -> None:
    double.both("raises", status(code))
    before = EJECTIONS.of(double.caller)
    with double.connect() as unlucky, double.connect() as well:
        for _ in range(IN_A_ROW):
            unlucky.case("raises")
        besides = [well.call() for _ in range(4)]
    assert [beside.status for beside in besides] == ["0"] * 4, besides[0].told()
    assert EJECTIONS.of(double.caller) == before


def test_a_well_caller_sees_nothing_of_a_method_that_raises_all_the_while(double: Two) -> None:
    double.both("raises", status(13))
    seen: list[Answer] = []
    stop = threading.Event()

    def call() -> None:
        with double.connect() as well:
            while not stop.wait(0.1):
                seen.append(well.call())

    thread = threading.Thread(target=call)
    thread.start()
    try:
        with double.connect() as unlucky:
            until = time.monotonic() + 1
            while time.monotonic() < until:
                unlucky.case("raises")
    finally:
        stop.set()
        thread.join()
    failed = [one.told() for one in seen if one.status != "0"]
    assert seen
    assert not failed, f"{len(failed)} of {len(seen)}: {failed[0]}"


def test_both_instances_failing_are_never_both_out(double: Two) -> None:
    """Never more than half: every call reaches one of them."""
    double.both("unwell", status(14))
    with double.connect() as caller:
        ended = [caller.case("unwell") for _ in range(IN_A_ROW * 2)]
    assert len(double.first.of("unwell")) + len(double.second.of("unwell")) == len(ended), ended[-1].told()
