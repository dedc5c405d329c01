"""A flood of frames ends with its own connection alone, counted once; honest traffic that looks like it is served."""

import pytest

from tests.abuse import floods, resets
from tests.abuse.attack import Attack
from tests.abuse.ring import Door, Ring
from tests.support.waiting import until


@pytest.mark.real
@pytest.mark.parametrize("door", Door, ids=lambda door: door.value)
@pytest.mark.parametrize("attack", floods.attacks(), ids=str)
def test_a_flood_costs_its_own_connection(attack: Attack, door: Door, mesh_ring: Ring) -> None:
    hit = mesh_ring.behind(door)
    before = attack.counter.of(hit)
    with mesh_ring.victim(), mesh_ring.greeted(door) as attacker:
        attack.attack(attacker)
        until(lambda: attack.counter.of(hit) > before, f"{attack.counter} moves")
    assert attack.counter.of(hit) == before + 1


@pytest.mark.real
@pytest.mark.parametrize("door", Door, ids=lambda door: door.value)
@pytest.mark.parametrize("attack", (*floods.attacks(), *resets.attacks()), ids=str)
def test_the_benign_twin_is_served(attack: Attack, door: Door, mesh_ring: Ring) -> None:
    hit = mesh_ring.behind(door)
    before = attack.counter.of(hit)
    with mesh_ring.greeted(door) as honest:
        attack.twin(honest)
    assert attack.counter.of(hit) == before
