"""What is over a limit of metadata costs that call alone, in either direction, and says which limit it was."""

import json
from typing import Any

import pytest

from tests.peers import go_caller
from tests.peers.lists import FAILED_PRECONDITION, KIB, LISTS, NAME, OWN, SIZES, refusal
from tests.peers.room import Room, Served
from tests.peers.stacks import GO

BESIDE = 99  # with the call itself the hundred streams that a sidecar takes on a connection
REFUSED = ("ResourceExhausted", True)


# In base64 a third longer: beyond 1 MiB, which is what is announced, grpc-go resets its stream by itself.
DETAILS = {**SIZES, "900 KiB": 675 * KIB}


@pytest.fixture
def served(room: Room) -> Served:
    return room.served(GO)


@pytest.mark.real
@pytest.mark.parametrize(("count", "size"), LISTS.values(), ids=LISTS)
def test_a_request_over_a_limit_is_refused_alone(count: int, size: int, served: Served) -> None:
    refused = _alone(served, {}, [_fields(count, size)])
    assert refusal(refused.code, refused.text) == REFUSED, refused.text


@pytest.mark.real
@pytest.mark.parametrize(("count", "size"), LISTS.values(), ids=LISTS)
def test_initial_metadata_over_a_limit_ends_that_call_alone(count: int, size: int, served: Served) -> None:
    refused = _alone(served, {"head": [_fields(count, size)]})
    assert refusal(refused.code, refused.text) == REFUSED, refused.text


@pytest.mark.real
@pytest.mark.parametrize(("count", "size"), LISTS.values(), ids=LISTS)
def test_trailers_over_a_limit_end_that_call_alone_and_tell_its_own_code(count: int, size: int, served: Served) -> None:
    ask = {"trailers": [_fields(count, size)], "fail_code": FAILED_PRECONDITION, "fail_text": OWN}
    refused = _alone(served, ask)
    assert refusal(refused.code, refused.text) == REFUSED, refused.text
    assert "FAILED_PRECONDITION" in refused.text


@pytest.mark.real
@pytest.mark.parametrize("size", DETAILS.values(), ids=DETAILS)
def test_details_over_a_limit_end_that_call_alone_and_tell_its_own_code(size: int, served: Served) -> None:
    ask = {"details_bytes": size, "fail_code": FAILED_PRECONDITION, "fail_text": OWN}
    refused = _alone(served, ask)
    assert refusal(refused.code, refused.text) == REFUSED, refused.text
    assert "FAILED_PRECONDITION" in refused.text


@pytest.mark.real
def test_a_refused_callers_connection_goes_on_with_its_next_call(served: Served) -> None:
    over = {"method": "Unary", "ask": {}, "metadata": [_fields(200, 8)]}
    well = {"method": "Unary", "ask": {}, "metadata": [_fields(2, 8)]}
    outcomes, _ = go_caller.calls(served.meshed, [over, well, over, well])
    assert [one.code for one in outcomes] == ["ResourceExhausted", "OK"] * 2


def _alone(served: Served, ask: dict[str, Any], metadata: list[dict[str, Any]] | None = None) -> go_caller.Outcome:
    """What the call came to; those beside it on its connection must not know of it."""
    wanted = {"method": "Unary", "ask": ask, "metadata": metadata or []}
    (outcome,), beside = go_caller.calls(served.meshed, [wanted], beside=BESIDE)
    shown = json.dumps({"code": outcome.code, "text": outcome.text, "ms": outcome.millis, "beside": beside})
    print(shown[:900])
    assert beside == {"": BESIDE}, shown
    return outcome


def _fields(count: int, size: int) -> dict[str, Any]:
    return {"name": NAME, "count": count, "bytes": size}
