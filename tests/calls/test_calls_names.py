"""Whose call it is: every spelling of a name is one service, and a rule sees every value that the application reads."""

import base64
from collections.abc import Iterator
from contextlib import closing

import grpc
import pytest

from tests.calls.application import Application
from tests.calls.caller import PATH
from tests.calls.place import Place, guests, settled
from tests.conformance.lane import CALLER, Lane
from tests.support import echo_client
from tests.support.mesh import NAMESPACE

pytestmark = pytest.mark.real

SPELLINGS = ("named.test", "named.test:50051", "named.test.", "named.test.:50051", "NAMED.Test", "Named.Test.:50051")
BINARY = base64.b64encode(b"canary").decode()
ROUTE = f"""
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {{name: named, namespace: {NAMESPACE}}}
spec:
  parentRefs: [{{kind: Service, name: named}}]
  rules:
  - name: canary
    matches: [{{headers: [{{name: x-env, value: canary}}]}}, {{headers: [{{name: x-env-bin, value: "{BINARY}"}}]}}]
    backendRefs: [{{name: canary, port: 50051}}]
  - name: stable
    backendRefs: [{{name: named, port: 50051}}]
"""


@pytest.fixture(scope="module")
def named(calls_lane: Lane) -> Iterator[Place]:
    with settled(calls_lane, "named") as place:
        yield place


@pytest.fixture(scope="module")
def canary(named: Place) -> Iterator[Application]:
    """Calls whose `x-env` says so go here."""
    app = Application()
    with guests(named.lane), closing(app):
        named.lane.beside("canary", app.port)
        named.lane.allow("canary", CALLER)
        named.lane.apply(ROUTE)
        yield app


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_trailing_dot_a_port_and_capitals_are_the_same_service(spelling: str, named: Place) -> None:
    before = len(named.app.calls)
    with named.connect() as caller:
        answer = caller.call(authority=spelling)
    assert answer.status == "0", answer.told()
    (came,) = named.app.calls[before:]
    assert came.value(":authority") == spelling, "the bytes go on unchanged"


@pytest.mark.parametrize("target", ["named.test.:50051", "dns:///named.test.:50051", "named.test:50051"])
def test_a_trailing_dot_is_the_same_service_by_connect(target: str, named: Place) -> None:
    with echo_client.channel(target, proxy=named.outbound) as via:
        seen = echo_client.call(via, "Unary", [b"small"])
    assert (seen.code, seen.messages) == (grpc.StatusCode.OK, (b"small",)), seen.details


def test_a_name_that_the_mesh_does_not_know_is_unavailable_and_said_to_be_unknown(named: Place) -> None:
    with named.connect() as caller:
        answer = caller.call(authority="nobody.elsewhere")
    assert (answer.status, answer.reason) == ("14", "unknown_service"), answer.told()
    assert "nobody.elsewhere" in answer.text


@pytest.mark.parametrize(
    "values",
    [("canary",), ("prod", "canary"), ("canary", "prod"), ("a", "b", "canary", "c")],
    ids=", then ".join,
)
def test_a_header_that_comes_several_times_matches_when_any_of_its_values_does(
    values: tuple[str, ...], named: Place, canary: Application
) -> None:
    before = len(canary.calls)
    with named.connect() as caller:
        answer = caller.call(*(("x-env", value) for value in values))
    assert answer.status == "0", answer.told()
    assert len(canary.calls) == before + 1, "it went where its first value alone leads"
    came = canary.calls[-1]
    assert tuple(value for name, value in came.fields if name == "x-env") == values, "and goes on in order"


def test_a_binary_header_that_comes_twice_matches_as_well(named: Place, canary: Application) -> None:
    before = len(canary.calls)
    with named.connect() as caller:
        answer = caller.call(("x-env-bin", base64.b64encode(b"prod").decode()), ("x-env-bin", BINARY))
    assert answer.status == "0", answer.told()
    assert len(canary.calls) == before + 1, "it went where its first value alone leads"


def test_a_header_without_the_value_goes_where_all_go(named: Place, canary: Application) -> None:
    before = len(canary.calls)
    with named.connect() as caller:
        assert caller.call(("x-env", "prod"), ("x-env", "prod, canary")).status == "0"
    assert len(canary.calls) == before


def test_a_method_that_no_rule_takes_goes_to_the_service_itself(named: Place, canary: Application) -> None:
    """The last route takes everything, so that a route for one method takes nothing from the others."""
    named.lane.apply(ROUTE.replace("  - name: stable\n    backendRefs: [{name: named, port: 50051}]\n", ""))
    with named.connect() as caller:
        answer = caller.call(path=PATH)
    assert answer.status == "0", answer.told()
