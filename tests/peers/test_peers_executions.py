"""How often a call is executed: once unless it may be twice, and never oftener than `attempts`."""

import json
import subprocess
from typing import Any

import grpc
import pytest

from tests.peers.proto import peers_pb2 as pb
from tests.peers.proto.peers_pb2_grpc import PeersStub
from tests.peers.room import Room, Served, channel
from tests.peers.stacks import GO, GRPCIO, JS, Stack, js_call
from tests.peers.traffic import TWICE, TWICE_IDEMPOTENT, traffic

OF_ITS_OWN = 3  # attempts of a client's retry policy
DRAINING = pb.Field(name="tulle-reason", value="draining")
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE.value[0]
RETRYING = json.dumps(
    {
        "methodConfig": [
            {
                "name": [{"service": "tulle.peers.v1.Peers"}],
                "retryPolicy": {
                    "maxAttempts": OF_ITS_OWN,
                    "initialBackoff": "0.01s",
                    "maxBackoff": "0.05s",
                    "backoffMultiplier": 2,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            }
        ]
    }
)


def failing(key: str) -> pb.Ask:
    """A call that the application answers with UNAVAILABLE, and with a reason that is not its to give."""
    return pb.Ask(key=key, fail_code=UNAVAILABLE, fail_text="the application's own", trailers=[DRAINING])


@pytest.fixture(params=(GO, GRPCIO), ids=lambda stack: stack.name)
def served(request: pytest.FixtureRequest, room: Room) -> Served:
    stack: Stack = request.param
    return room.served(stack)


@pytest.mark.real
def test_an_application_that_says_draining_is_executed_once(served: Served) -> None:
    assert _asked(served, failing("draining")) == "the application's own"
    assert len(served.executions("draining")) == 1


@pytest.mark.real
def test_a_reason_that_an_application_gives_is_not_told_to_its_caller(served: Served) -> None:
    """Only the mesh speaks for the mesh."""
    with channel(*served.meshed) as via, pytest.raises(grpc.RpcError) as failed:
        PeersStub(via).Unary(failing("reason"), timeout=10)
    told: Any = failed.value.trailing_metadata()
    assert "tulle-reason" not in dict(told or ())


@pytest.mark.real
def test_a_method_that_is_not_idempotent_is_executed_once_under_a_retry_policy(served: Served, room: Room) -> None:
    with traffic(room, served, TWICE):
        assert _asked(served, failing("policy")) == "the application's own"
    assert len(served.executions("policy")) == 1


@pytest.mark.real
def test_an_idempotent_method_is_executed_as_often_as_its_policy_says(served: Served, room: Room) -> None:
    with traffic(room, served, TWICE_IDEMPOTENT):
        _asked(served, pb.Ask(key="twice", fail_code=UNAVAILABLE))
    assert [one.previous_attempts for one in served.executions("twice")] == ["", "1"]


@pytest.mark.real
def test_grpcio_with_a_retry_policy_of_its_own_multiplies_nothing(served: Served, room: Room) -> None:
    own = (("grpc.enable_retries", 1), ("grpc.service_config", RETRYING))
    with (
        traffic(room, served, TWICE_IDEMPOTENT),
        channel(*served.meshed, *own) as via,
        pytest.raises(grpc.RpcError),
    ):
        PeersStub(via).Unary(pb.Ask(key="grpcio-retries", fail_code=UNAVAILABLE), timeout=10)
    _holds(served, "grpcio-retries")


@pytest.mark.real
def test_grpc_js_with_a_retry_policy_of_its_own_multiplies_nothing(served: Served, room: Room) -> None:
    ask: dict[str, object] = {"key": "js-retries", "fail_code": UNAVAILABLE}
    with traffic(room, served, TWICE_IDEMPOTENT):
        command = js_call(*served.meshed, "Unary", OF_ITS_OWN, ask)
        done = subprocess.run(command, capture_output=True, text=True, env=JS.environment(), timeout=30, check=True)
    assert json.loads(done.stdout)["code"] == "UNAVAILABLE"
    _holds(served, "js-retries")


def _asked(served: Served, ask: pb.Ask) -> str:
    """The text that the call failed with."""
    with channel(*served.meshed) as via, pytest.raises(grpc.RpcError) as failed:
        PeersStub(via).Unary(ask, timeout=10)
    return str(failed.value.details())


def _holds(served: Served, key: str) -> None:
    """Executions within the larger of both policies; the count that the application reads never gets smaller."""
    counts = [int(one.previous_attempts or 0) for one in served.executions(key)]
    assert len(counts) <= OF_ITS_OWN, counts
    assert counts == sorted(counts)
