"""Streams opened only to be reset hurt only who opened them; of another sidecar, they cost its connection, once."""

import queue
from collections.abc import Iterator

import grpc
import pytest

from tests.abuse import resets
from tests.abuse.attack import Attack
from tests.abuse.counted import CALM
from tests.abuse.ring import Door, Ring
from tests.abuse.victim import Victim
from tests.conformance.lane import CALLER
from tests.support.echo_server import SERVICE
from tests.support.waiting import until


@pytest.fixture(scope="module")
def calls_good(before_quick: Ring) -> Iterator[grpc.Channel]:
    """To another service, by the same sidecar as the attacker's calls."""
    before_quick.lane.service("good")
    before_quick.lane.allow("good", CALLER)
    before_quick.lane.reaches(before_quick.caller, "good")
    with before_quick.caller.channel("good") as calls:
        yield calls


@pytest.mark.real
@pytest.mark.parametrize(
    ("attack", "door"),
    [
        pytest.param(attack, door, id=f"{attack}-{door.value}")
        for attack in resets.attacks()
        for door in Door
        if attack is not resets.RAPID or door is Door.INBOUND
    ],
)
def test_resets_cost_their_own_connection(
    attack: Attack, door: Door, before_quick: Ring, calls_good: grpc.Channel
) -> None:
    hit = before_quick.behind(door)
    before = attack.counter.of(hit)
    with _bystander(before_quick, calls_good, door), before_quick.greeted(door) as attacker:
        attack.attack(attacker)
        until(lambda: attack.counter.of(hit) > before, f"{attack.counter} moves")
    assert attack.counter.of(hit) == before + 1


@pytest.mark.real
def test_an_application_is_not_ended_for_its_resets(before_quick: Ring, calls_good: grpc.Channel) -> None:
    before = CALM.of(before_quick.caller)
    with _bystander(before_quick, calls_good, Door.OUTBOUND), before_quick.greeted(Door.OUTBOUND) as hasty:
        resets.rapid_and_fine(hasty)
    assert CALM.of(before_quick.caller) == before


@pytest.mark.real
def test_a_stream_outlives_rapid_resetters_on_its_upstream_connection(mesh_ring: Ring) -> None:
    said: queue.Queue[bytes] = queue.Queue()
    stream = mesh_ring.calls_echo.stream_stream(f"/{SERVICE}/Bidi", _same, _same)(_given(said), timeout=30)
    said.put(b"before")
    assert next(stream) == b"before"
    for _ in range(6):
        with mesh_ring.greeted(Door.OUTBOUND) as attacker:
            resets.rapid_and_fine(attacker)
    said.put(b"after")
    try:
        assert next(stream) == b"after"
    except grpc.RpcError as error:
        pytest.fail(f"the stream ended with {error.code().name}: {error.details()}")
    finally:
        said.put(b"")


def _same(message: bytes) -> bytes:
    return message


def _given(messages: "queue.Queue[bytes]") -> Iterator[bytes]:
    return iter(messages.get, b"")


def _bystander(ring: Ring, calls_good: grpc.Channel, door: Door) -> Victim:
    """Shares the sidecar behind the door, not the connection between the two: that is the other test's."""
    return Victim(calls_good, ring.watch) if door is Door.OUTBOUND else ring.victim()
