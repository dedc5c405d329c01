"""Who cancels much is honest: its cancels arrive at once and hurt nobody; its attacking twin hurts itself alone."""

import time
from collections.abc import Iterator

import pytest

from tests.calls.application import silence
from tests.calls.cancels import assert_unharmed, cancel_much, most_at_once, neighbours, rapid
from tests.calls.place import Place, settled
from tests.conformance.lane import Lane

pytestmark = pytest.mark.real

SECONDS = 3.0
MOST_IN_FLIGHT = 100
RAPID = 2_000


@pytest.fixture(scope="module")
def hasty(calls_lane: Lane) -> Iterator[Place]:
    with settled(calls_lane, "hasty") as place:
        place.app.scripts |= {"silence": silence, "slow": place.app.answer_after(0.3)}
        yield place


@pytest.mark.parametrize("message", [b"?", None], ids=["unary", "streams"])
def test_a_caller_that_cancels_much_hurts_nobody(message: bytes | None, hasty: Place) -> None:
    cancel_much(hasty, message, SECONDS)


@pytest.mark.parametrize("way", ["in one write", "write by write"])
def test_rapid_resets_hurt_their_own_connection_alone(way: str, hasty: Place) -> None:
    before = len(hasty.app.calls)
    with hasty.connect() as attacker, hasty.connect() as victim:
        with neighbours(victim) as beside:
            parts = [rapid(attacker) for _ in range(RAPID)]
            if way == "in one write":
                attacker.send(*parts)
            for part in parts if way == "write by write" else ():
                attacker.send(part)
            time.sleep(0.5)
        assert_unharmed(beside)
        assert victim.goaway is None
        assert not victim.closed.is_set()
    came = [call for call in hasty.app.calls[before:] if call.value("x-case") == "silence"]
    # Twice as many, since the application reads each of its connections in a thread of its own.
    assert most_at_once(came) <= 2 * MOST_IN_FLIGHT


def test_slots_of_calls_that_were_given_up_are_free_at_once(hasty: Place) -> None:
    hasty.policy("circuitBreaker: {maxRequests: 4}")
    try:
        with hasty.connect() as impatient, hasty.connect() as patient:
            for number in range(300):
                stream = impatient.begin(("x-case", "silence"))
                if number % 3:
                    time.sleep(0.001)
                impatient.cancel(stream)
            # Two connections have no order: a call of this one's has been answered when all its cancels have been read.
            assert impatient.call().status == "0"
            begun = [patient.begin(("x-case", "slow")) for _ in range(4)]
            ended = [patient.answer(stream) for stream in begun]
    finally:
        hasty.policy("circuitBreaker: {maxRequests: 1024}")
    assert [seen.status for seen in ended] == ["0"] * 4, [seen.told() for seen in ended]
