"""Requests made to be misread, to cost too much or to pass for another are refused, and nobody else pays."""

import grpc
import pytest

from tests.abuse import header_lists, paths, smuggling
from tests.abuse.calls import ENDS, answers, expect_ok, head, resets_of, whole
from tests.abuse.counted import CALM, HEADER_LIMIT, RECEIVED_HEADER_LIMIT
from tests.abuse.header_lists import Bomb
from tests.abuse.ring import Door, Ring
from tests.abuse.smuggling import Vector
from tests.conformance import frames as f
from tests.conformance.sections.case import expect_goaway
from tests.support.waiting import until

DOORS = pytest.mark.parametrize("door", Door, ids=lambda door: door.value)
EXHAUSTED = str(grpc.StatusCode.RESOURCE_EXHAUSTED.value[0])


@pytest.fixture(scope="module")
def exact_ring(mesh_ring: Ring) -> Ring:
    """Where the caller may call one method, by its exact name."""
    paths.allow_exactly(mesh_ring, paths.ALLOWED)
    return mesh_ring


@pytest.mark.real
@DOORS
@pytest.mark.parametrize("vector", smuggling.vectors(), ids=str)
def test_a_request_that_can_be_read_in_two_ways_reaches_nobody(vector: Vector, door: Door, mesh_ring: Ring) -> None:
    mark = f"smuggled {door.value} {vector}".replace(" ", "-")
    with mesh_ring.greeted(door) as attacker:
        attacker.send(vector.sent(1, mark))
        resets_of(attacker, [1], f.PROTOCOL_ERROR)
        attacker.send(whole(3))
        expect_ok(attacker, 3)
    assert mark not in mesh_ring.echo.recorded()


@pytest.mark.real
@DOORS
@pytest.mark.parametrize("vector", smuggling.lookalikes(), ids=str)
def test_a_request_that_only_looks_like_it_is_served(vector: Vector, door: Door, mesh_ring: Ring) -> None:
    mark = f"honest {door.value} {vector}".replace(" ", "-")
    with mesh_ring.greeted(door) as honest:
        honest.send(vector.sent(1, mark))
        expect_ok(honest, 1)
    assert mark in mesh_ring.echo.recorded()


@pytest.mark.real
@DOORS
@pytest.mark.parametrize("bomb", header_lists.over(), ids=str)
def test_a_header_list_over_its_limit_costs_its_stream(bomb: Bomb, door: Door, mesh_ring: Ring) -> None:
    counter = HEADER_LIMIT if door is Door.OUTBOUND else RECEIVED_HEADER_LIMIT
    before, last = counter.of(mesh_ring.behind(door)), 2 * len(bomb.blocks) - 1
    with mesh_ring.victim(), mesh_ring.greeted(door) as attacker:
        attacker.send(header_lists.sent(bomb.blocks, 1))
        said = answers(attacker, [last])[last]
        assert (said["grpc-status"], said["tulle-reason"]) == (EXHAUSTED, "header_limit"), said
        assert "header" in said["grpc-message"]
        attacker.send(whole(101))
        expect_ok(attacker, 101)
    assert counter.of(mesh_ring.behind(door)) == before + 1


@pytest.mark.real
def test_a_callers_trailers_over_the_limit_are_called_its_own(exact_ring: Ring) -> None:
    fields = tuple((f"x-{number}", "") for number in range(150))
    with exact_ring.greeted(Door.OUTBOUND) as attacker:
        attacker.send(f.headers(1, head("Unary", ("x-wait-ms", "500"))), f.headers(1, fields, ENDS))
        said = answers(attacker, [1])[1]
    assert (said["grpc-status"], said["tulle-reason"]) == (EXHAUSTED, "header_limit"), said
    assert "reply" not in said["grpc-message"]


@pytest.mark.real
@DOORS
@pytest.mark.parametrize("bomb", header_lists.far_over(), ids=str)
def test_a_header_list_far_over_its_limit_ends_the_connection(bomb: Bomb, door: Door, mesh_ring: Ring) -> None:
    hit = mesh_ring.behind(door)
    before = CALM.of(hit)
    with mesh_ring.victim(), mesh_ring.greeted(door) as attacker:
        attacker.send(header_lists.sent(bomb.blocks, 1))
        expect_goaway(attacker, f.ENHANCE_YOUR_CALM)
        until(lambda: CALM.of(hit) > before, "protocol errors move")
    assert CALM.of(hit) == before + 1


@pytest.mark.real
@DOORS
@pytest.mark.parametrize("bomb", header_lists.within(), ids=str)
def test_a_header_list_within_its_limit_is_served(bomb: Bomb, door: Door, mesh_ring: Ring) -> None:
    with mesh_ring.greeted(door) as honest:
        honest.send(header_lists.sent(bomb.blocks, 1))
        expect_ok(honest, *(1 + 2 * at for at in range(len(bomb.blocks))))


@pytest.mark.real
@DOORS
@pytest.mark.parametrize("path", paths.SPELLINGS)
def test_another_spelling_of_an_allowed_path_is_not_allowed(path: str, door: Door, exact_ring: Ring) -> None:
    mark = f"spelt-{door.value}-{paths.SPELLINGS.index(path)}"
    with exact_ring.greeted(door) as attacker:
        attacker.send(whole(1, path, (smuggling.MARK, mark)), whole(3))
        said = answers(attacker, [1, 3])
    assert (said[1]["grpc-status"], said[1]["tulle-reason"]) == (paths.DENIED, "denied"), said[1]
    assert said[3]["grpc-status"] == "0", "the very name is allowed"
    assert mark not in exact_ring.echo.recorded()
