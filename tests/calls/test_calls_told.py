"""The mesh says what it did: each call that a sidecar ends, cuts or refuses by itself is a line of its log."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.abuse.counted import Counter
from tests.calls.application import alone, answer, silence, status
from tests.calls.place import Place, settled
from tests.conformance import frames as f
from tests.conformance.lane import CALLER, Lane
from tests.conformance.scripted_server import Conversation
from tests.support.mesh import NAMESPACE, TRUST_DOMAIN
from tests.support.waiting import until

pytestmark = pytest.mark.real

SOON = 3.0
MANY, FEW_LINES = 200, 20
BROKEN = Counter("tulle_rpcs_broken_by_mesh_total")
SECRET = "/raw.v1.Raw/Secret"
DENY = f"""
apiVersion: tulle.dev/v1
kind: AccessPolicy
metadata: {{name: told-denied, namespace: {NAMESPACE}}}
spec:
  targetRefs: [{{kind: Service, name: told}}]
  action: Deny
  rules:
  - from: [{{identity: "spiffe://{TRUST_DOMAIN}/{NAMESPACE}/{CALLER}"}}]
    to: [{{methods: ["{SECRET.removeprefix("/")}"]}}]
"""
ENDED = {
    "over a limit": ("header_limit", "FAILED_PRECONDITION"),
    "malformed": ("the application", "grpc-message"),
    "past its deadline": ("deadline",),
}


@pytest.fixture(scope="module")
def told(calls_lane: Lane) -> Iterator[Place]:
    with settled(calls_lane, "told") as place:
        calls_lane.apply(DENY)
        place.app.scripts |= {
            "over a limit": answer(trailers=(("grpc-status", "9"), ("x-big", "b" * 20_000))),
            "malformed": alone(("grpc-status", "3"), ("grpc-message", "a\nb")),
            "past its deadline": silence,
            "its own failure": status(13, ("grpc-message", "own failure")),
            "lost": _lost,
        }
        yield place


def lines(place: Place, *wanted: str) -> list[dict[str, Any]]:
    """The log lines of both sidecars, as JSON, in which all of `wanted` stands."""
    found = (line for line in place.logs().splitlines() if line.startswith("{") and all(one in line for one in wanted))
    return [json.loads(line) for line in found]


@pytest.mark.parametrize("case", ENDED)
def test_a_call_that_a_sidecar_ends_by_itself_is_a_line_of_its_log(case: str, told: Place) -> None:
    with told.connect() as caller:
        caller.case(case, ("grpc-timeout", "300m"))
    until(lambda: lines(told, "raw.v1.Raw/Call", *ENDED[case]), f"a line of {ENDED[case]}", SOON)


def test_a_call_that_is_refused_is_a_line_of_its_log(told: Place) -> None:
    with told.connect() as caller:
        assert caller.call(path=SECRET).status == "7"
        caller.call(authority="nobody.elsewhere")
    until(lambda: lines(told, "denied", "raw.v1.Raw/Secret"), "a line of the denied call", SOON)
    until(lambda: lines(told, "nobody.elsewhere"), "a line of the unknown service", SOON)


def test_a_connection_that_an_application_closes_is_a_line_with_the_calls_that_it_cost(told: Place) -> None:
    with told.connect() as caller:
        seen = caller.case("lost")
    assert seen.status == "14", seen.told()
    until(lambda: lines(told, "upstream_reset", "raw.v1.Raw/Call"), "a line of the lost call", SOON)


def test_what_ends_a_call_at_the_applications_side_is_named_with_its_goaway(told: Place) -> None:
    told.app.scripts["goaway"] = _goaway
    with told.connect() as caller:
        seen = caller.case("goaway")
    assert seen.status == "14", seen.told()
    assert "ENHANCE_YOUR_CALM" in seen.text, seen.told()
    assert "too_many_pings" in seen.text, seen.told()


def test_an_applications_own_failure_is_no_line_and_nothing_is_broken(told: Place) -> None:
    before = [BROKEN.of(member) for member in (told.caller, told.callee)]
    with told.connect() as caller:
        assert caller.case("its own failure").text == "own failure"
        caller.call()
    assert not lines(told, "own failure")
    assert [BROKEN.of(member) for member in (told.caller, told.callee)] == before


def test_many_of_a_kind_are_a_few_lines_that_count_what_was_left_out(told: Place) -> None:
    with told.connect() as caller:
        begun = [caller.begin(path=f"{SECRET}") for _ in range(MANY)]
        assert {caller.answer(stream).status for stream in begun} <= {"7", "reset 7"}
    found = until(lambda: lines(told, "denied"), "lines of the denied calls", SOON)
    assert len(found) <= FEW_LINES, f"{len(found)} lines for {MANY} calls"


def _lost(conversation: Conversation, stream: int) -> None:
    conversation.peer.stop()


def _goaway(conversation: Conversation, stream: int) -> None:
    conversation.send(f.goaway(stream, f.ENHANCE_YOUR_CALM, b"too_many_pings"))
    conversation.peer.stop()
