"""What two sidecars tell of a call comes together at the control plane: one trace, both sides' counts."""

from collections.abc import Iterator

import grpc
import pytest

from protos import names
from protos.tulle.v1 import telemetry_pb2
from protos.tulle.v1.telemetry_pb2_grpc import TelemetryQueryStub
from tests.support.echo_client import call
from tests.support.mesh import Mesh
from tests.support.waiting import until
from tulle import credential

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
SAMPLED = ("traceparent", f"00-{TRACE}-{PARENT}-01")


@pytest.fixture
def query(mesh: Mesh) -> Iterator[TelemetryQueryStub]:
    """What an operator may ask."""
    operator = credential.read(mesh.data / names.OPERATOR_CREDENTIAL, None)
    proof = grpc.ssl_channel_credentials(operator.root_pem, operator.key_pem, operator.certificate_pem)
    options = (("grpc.ssl_target_name_override", names.CONTROL_PLANE_NAME),)
    with grpc.secure_channel(operator.control_plane, proof, options=options) as channel:
        yield TelemetryQueryStub(channel)


@pytest.mark.real
def test_a_sampled_call_is_one_trace_with_the_spans_of_both_sidecars(mesh: Mesh, query: TelemetryQueryStub) -> None:
    mesh.service("echo")
    client = mesh.caller()
    mesh.allow("echo", "client")
    mesh.reaches(client, "echo")
    with client.channel("echo") as via:
        assert call(via, "Unary", [b"x"], [SAMPLED]).code is grpc.StatusCode.OK

    def spans() -> list[telemetry_pb2.StoredSpan]:
        try:
            return list(query.GetTrace(telemetry_pb2.GetTraceRequest(trace_id=TRACE), timeout=10).spans)
        except grpc.RpcError:
            return []

    until(lambda: {span.service for span in spans()} >= {"test/client", "test/echo"}, "both sidecars' spans", 30)
    by_id = {span.span_id: span for span in spans()}
    (served,) = [span for span in by_id.values() if span.kind == "SERVER"]
    path = [served]
    while path[-1].parent_span_id in by_id:
        path.append(by_id[path[-1].parent_span_id])
    assert path[-1].parent_span_id == PARENT, "the application's own span stays the root"
    assert {span.span_id for span in path} == set(by_id), "one chain, nothing beside it"
    assert [span.service for span in path] == ["test/echo"] + ["test/client"] * (len(path) - 1)
