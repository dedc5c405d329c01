"""A flood of frames ends with its own connection alone, counted once; honest traffic that looks like it is served."""

import pytest

from tests.abuse import floods, resets
from tests.abuse.attack import Attack
from tests.abuse.calls import expect_ok, whole
from tests.abuse.ring import Door, Ring
from tests.abuse.smuggling import MARK
from tests.conformance import frames as f
from tests.conformance.sections.case import expect_goaway
from tests.support.waiting import until

DOORS = pytest.mark.parametrize("door", Door, ids=lambda door: door.value)


@pytest.mark.real
@DOORS
@pytest.mark.parametrize("attack", floods.attacks(), ids=str)
def test_a_flood_costs_its_own_connection(attack: Attack, door: Door, mesh_ring: Ring) -> None:
    hit = mesh_ring.behind(door)
    before = attack.counter.of(hit)
    with mesh_ring.victim(), mesh_ring.greeted(door) as attacker:
        attack.attack(attacker)
        until(lambda: attack.counter.of(hit) > before, f"{attack.counter} moves")
    assert attack.counter.of(hit) == before + 1


@pytest.mark.real
@DOORS
@pytest.mark.parametrize("attack", (*floods.attacks(), *resets.attacks()), ids=str)
def test_the_benign_twin_is_served(attack: Attack, door: Door, mesh_ring: Ring) -> None:
    hit = mesh_ring.behind(door)
    before = attack.counter.of(hit)
    with mesh_ring.greeted(door) as honest:
        attack.twin(honest)
    assert attack.counter.of(hit) == before


@pytest.mark.real
@DOORS
def test_what_comes_after_our_goaway_reaches_nobody(door: Door, mesh_ring: Ring) -> None:
    mark = f"late-{door.value}"
    with mesh_ring.victim(), mesh_ring.greeted(door) as attacker:
        attacker.send(f.ping() * 1_500, *(whole(stream, "Unary", (MARK, mark)) for stream in range(1, 101, 2)))
        expect_goaway(attacker, f.ENHANCE_YOUR_CALM)
    assert mark not in mesh_ring.echo.recorded()


@pytest.mark.real
@DOORS
def test_a_client_that_says_goaway_first_gets_its_answers(door: Door, mesh_ring: Ring) -> None:
    """The twin: calls in flight end well; a client's GOAWAY speaks of streams that a server would open."""
    with mesh_ring.greeted(door) as honest:
        honest.send(whole(1, "Unary", ("x-wait-ms", "50")), f.goaway(0, f.NO_ERROR) * 3)
        expect_ok(honest, 1)
