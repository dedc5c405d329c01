"""What one client does never shows on another's calls or in the labels, though they share connections and tables."""

import pytest

from tests.abuse.calls import SERVICE, Indexed, answers, head
from tests.abuse.counted import label_values
from tests.abuse.ring import Door, Ring
from tests.conformance import frames as f
from tests.conformance.peer import Peer
from tests.support.waiting import until

ROUNDS = 25
MANY = 3_000
MOST_FIELDS = 128
LEARNED = 64  # names of methods that a service which declares none gets labels for
DOORS = pytest.mark.parametrize("door", Door, ids=lambda door: door.value)


@pytest.mark.real
@DOORS
@pytest.mark.parametrize("fields", [20, 110, 150])
def test_two_tenants_never_see_each_other_after_a_refused_block(fields: int, door: Door, mesh_ring: Ring) -> None:
    """150 fields are refused, 20 and 110 go on into the tables of the connection that both share."""
    refused = 0
    with mesh_ring.greeted(door) as one, mesh_ring.greeted(door) as two:
        tenants = {"one": (one, Indexed()), "two": (two, Indexed())}
        for turn in range(ROUNDS):
            stream = 4 * turn + 1
            for name, (peer, calls) in tenants.items():
                bomb = [(f"x-{name}-{turn}-{number}", name) for number in range(fields)]
                own = ("x-initial-tenant", f"{name}-{turn}")
                peer.send(calls.whole(stream, *bomb), calls.whole(stream + 2, own))
            for name, (peer, _) in tenants.items():
                said = answers(peer, [stream, stream + 2])
                assert said[stream + 2].get("x-initial-tenant") == f"{name}-{turn}", said[stream + 2]
                refused += said[stream].get("tulle-reason") == "header_limit"
    assert refused == (2 * ROUNDS if fields > MOST_FIELDS else 0)


@pytest.mark.real
@DOORS
def test_invented_methods_do_not_make_series(door: Door, mesh_ring: Ring) -> None:
    hit = mesh_ring.behind(door)
    with mesh_ring.victim(), mesh_ring.greeted(door) as attacker:
        _call_all(attacker, [f"{SERVICE}/Invented{number}" for number in range(MANY)])
    until(lambda: "other" in label_values(hit, "rpc_method"), "methods beyond the bound are counted as other")
    assert len(label_values(hit, "rpc_method")) <= LEARNED + 1


@pytest.mark.real
def test_invented_services_do_not_make_series(mesh_ring: Ring) -> None:
    """By an authority each: the mesh knows none, and its name is nobody's label."""
    before = label_values(mesh_ring.caller, "tulle_target")
    with mesh_ring.victim(), mesh_ring.at(mesh_ring.caller.addresses["outbound"]) as attacker:
        calls = Indexed()
        for stream in range(1, 2_000, 2):
            fields = [(k, f"svc{stream}.test" if k == ":authority" else v) for k, v in head("Unary")]
            attacker.send(calls.headers(stream, fields, f.END_HEADERS | f.END_STREAM))
            assert answers(attacker, [stream])[stream]["tulle-reason"] == "unknown_service"
    assert len(label_values(mesh_ring.caller, "tulle_target") - before) <= 1


def _call_all(peer: Peer, paths: list[str]) -> None:
    """Fifty at a time, whatever comes of them."""
    calls = Indexed()
    for at in range(0, len(paths), 50):
        streams = {2 * number + 1: path for number, path in enumerate(paths[at : at + 50], at)}
        peer.send(*(calls.headers(stream, head(path), 5) for stream, path in streams.items()))
        answers(peer, list(streams))
