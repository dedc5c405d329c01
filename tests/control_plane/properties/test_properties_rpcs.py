"""Any request to any RPC: answered, or refused by a status that says why, with nothing changed and nobody else hurt."""

import re
from pathlib import PurePosixPath

import grpc
import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from control_plane.auth import MAY_CALL
from protos.tulle.v1 import discovery_pb2, policy_pb2, telemetry_pb2
from tests.control_plane.properties.messages import messages
from tests.control_plane.properties.methods import FILES, Method, all_methods, method_of
from tests.control_plane.properties.profile import trying
from tests.control_plane.properties.served import SERVICE, Served
from tests.control_plane.properties.words import words
from tests.support.process import ROOT

SENSIBLE = {
    grpc.StatusCode.OK,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.ABORTED,
}
READS: tuple[tuple[str, Message], ...] = (
    ("/tulle.v1.Discovery/ListProxies", discovery_pb2.ListProxiesRequest()),
    ("/tulle.v1.Policy/Describe", policy_pb2.DescribeRequest(service=SERVICE)),
    ("/tulle.v1.TelemetryQuery/GetTopology", telemetry_pb2.TopologyRequest(window_ms=900_000)),
    ("/tulle.v1.TelemetryQuery/GetStats", telemetry_pb2.StatsRequest(window_ms=900_000)),
    ("/tulle.v1.TelemetryQuery/ListTraces", telemetry_pb2.ListTracesRequest()),
    ("/tulle.v1.TelemetryQuery/ListEvents", telemetry_pb2.ListEventsRequest()),
)
METHODS = all_methods()
WORDS = words()
CALLERS = ("Operator", "Workload", "Joiner")


def test_every_rpc_is_in_the_table_of_who_may_call_and_none_else() -> None:
    assert {method.path for method in METHODS} == set(MAY_CALL)


def test_every_contract_with_a_service_is_asked() -> None:
    contracts = (ROOT / "protos" / "tulle" / "v1").glob("*.proto")
    serving = {contract.name for contract in contracts if re.search(r"^service ", contract.read_text(), re.MULTILINE)}
    assert serving <= {PurePosixPath(file.name).name for file in FILES}


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_any_request_is_answered_or_refused_with_a_reason(method: Method, plane: Served) -> None:
    @trying(12)
    @given(st.lists(messages(method.request, WORDS), min_size=1, max_size=4 if method.streams_requests else 1))
    def holds(requests: list[Message]) -> None:
        before = plane.state()
        answer = plane.call(method.caller, method, *requests)
        assert answer.code in SENSIBLE, f"{answer.code}: {answer.details}"
        if answer.code is not grpc.StatusCode.OK and not answer.responses:
            assert answer.details, "a refusal says why"
            assert plane.state() == before, "a refusal changes nothing"
        _nobody_is_hurt(plane)

    holds()


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_whoever_may_not_call_is_refused_whatever_is_sent(method: Method, plane: Served) -> None:
    @trying(3)
    @given(
        messages(method.request, WORDS), st.sampled_from(sorted({"Operator", "Workload", "Joiner"} - {method.caller}))
    )
    def holds(request: Message, caller: str) -> None:
        before = plane.state()
        answer = plane.call(caller, method, request)
        assert answer.code is grpc.StatusCode.PERMISSION_DENIED, answer
        assert method.caller.lower() in answer.details.lower() or "call with" in answer.details
        assert plane.state() == before

    holds()


def _nobody_is_hurt(plane: Served) -> None:
    """Every other question is still answered, and the log holds no complaint."""
    for path, request in READS:
        answer = plane.call("Operator", method_of(path), request)
        assert answer.code in (grpc.StatusCode.OK, grpc.StatusCode.NOT_FOUND), f"{path}: {answer}"
    assert plane.complaints.lines == []
