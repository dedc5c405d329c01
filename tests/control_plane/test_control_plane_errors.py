"""Errors as clients see them: a status from the one table, one line, and details where there are any."""

import grpc
import pytest
from grpc_status import rpc_status

from control_plane.errors import STATUSES, ConflictError, ControlPlaneError, StartError, status_of
from control_plane.guard import Guard
from control_plane.store.base import RevisionConflictError
from protos.tulle.v1 import policy_pb2, registry_pb2, registry_pb2_grpc
from tests.control_plane.control_plane_harness import Running, within

BAD = "apiVersion: tulle.dev/v1\nkind: Servise\nmetadata: {name: payments}\n"
GOOD = "apiVersion: tulle.dev/v1\nkind: Service\nmetadata: {name: payments, namespace: shop}\nspec: {}\n"


def apply(
    running: Running, yaml: str, expected_revision: int = 0
) -> "grpc.aio.UnaryUnaryCall[policy_pb2.ApplyRequest, policy_pb2.ApplyResponse]":
    source = policy_pb2.Source(file="mesh.yaml", yaml=yaml)
    request = policy_pb2.ApplyRequest(sources=[source], author="test", expected_revision=expected_revision)
    return running.operator().policy.Apply(request)


def test_every_branch_of_the_tree_has_a_status_but_the_one_that_never_reaches_the_wire() -> None:
    assert set(ControlPlaneError.__subclasses__()) >= {*STATUSES, StartError}
    assert status_of(RevisionConflictError("x")) is STATUSES[ConflictError] is grpc.StatusCode.ABORTED
    assert status_of(ValueError("x")) is grpc.StatusCode.INTERNAL


async def test_details_travel_in_the_status(running: Running) -> None:
    call = apply(running, BAD)
    assert await within(call.code()) is grpc.StatusCode.INVALID_ARGUMENT
    packed = await rpc_status.aio.from_call(call)
    assert packed is not None
    invalid = policy_pb2.InvalidDocuments()
    assert packed.details[0].Unpack(invalid)
    assert [(problem.file, problem.line, problem.field) for problem in invalid.problems] == [("mesh.yaml", 2, "kind")]


async def test_another_revision_than_expected_is_a_conflict_and_writes_nothing(running: Running) -> None:
    first = await within(apply(running, GOOD))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await within(apply(running, GOOD.replace("payments", "orders"), expected_revision=first.revision + 1000))
    assert refused.value.code() is grpc.StatusCode.ABORTED
    listed = await within(running.operator().policy.List(policy_pb2.ListRequest()))
    assert [document.key.name for document in listed.documents] == ["payments"]


async def faulty(request: registry_pb2.ListInstancesRequest, context: object) -> registry_pb2.ListInstancesResponse:
    raise ValueError("secret of the inside")


async def test_what_nobody_meant_to_raise_is_internal_logged_and_not_told(caplog: pytest.LogCaptureFixture) -> None:
    from control_plane.caller import Operator

    ended = []
    guard = Guard(lambda context: Operator(), lambda method, status: ended.append((method, status)))
    server = grpc.aio.server(interceptors=(guard,))
    handler = grpc.unary_unary_rpc_method_handler(
        faulty,
        registry_pb2.ListInstancesRequest.FromString,
        registry_pb2.ListInstancesResponse.SerializeToString,
    )
    handlers = grpc.method_handlers_generic_handler("tulle.v1.Registry", {"ListInstances": handler})
    server.add_generic_rpc_handlers((handlers,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await registry_pb2_grpc.RegistryStub(channel).ListInstances(registry_pb2.ListInstancesRequest())
    await server.stop(None)
    assert failed.value.code() is grpc.StatusCode.INTERNAL
    assert failed.value.details() == "internal error: see the control plane's log"
    assert "secret of the inside" in caplog.text
    assert ended == [("/tulle.v1.Registry/ListInstances", grpc.StatusCode.INTERNAL)]
