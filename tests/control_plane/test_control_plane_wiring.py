"""Everything that the table of callers promises is really served, by one process."""

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from control_plane.auth import MAY_CALL
from control_plane.caller import Caller, Operator, Workload
from protos.tulle.v1 import telemetry_pb2, telemetry_pb2_grpc
from tests.control_plane.control_plane_harness import Peer, Running, status_of, within


@pytest.mark.parametrize("method", sorted(MAY_CALL))
async def test_every_rpc_of_the_table_is_served(running: Running, method: str) -> None:
    (kind,) = MAY_CALL[method]
    channel = (await peer_of(running, kind)).channel
    call = channel.unary_stream(method, bytes, bytes)(b"")
    try:
        await within(call.read())
        code = grpc.StatusCode.OK
    except grpc.aio.AioRpcError as error:
        code = error.code()
    call.cancel()
    assert code in {grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNAUTHENTICATED, NOT_FOUND}


NOT_FOUND = grpc.StatusCode.NOT_FOUND


async def peer_of(running: Running, kind: type[Caller]) -> Peer:
    """Someone of this kind, with a channel of their own."""
    if kind is Operator:
        return running.operator()
    if kind is Workload:
        return await running.join("shop/payments")
    return running.joiner(await running.token("shop/payments"))


async def test_what_the_registry_and_discovery_know_is_in_the_topology_and_the_events(running: Running) -> None:
    sidecar = await running.join("shop/payments")
    await sidecar.register("payments-1")
    watching = await sidecar.watch("payments-1")
    await watching.next_acked(lambda response: any(cluster.endpoints for cluster in response.snapshot.clusters))
    query = telemetry_pb2_grpc.TelemetryQueryStub(running.operator().channel)
    topology = await within(query.GetTopology(telemetry_pb2.TopologyRequest()))
    (node,) = [node for node in topology.nodes if node.service == "shop/payments"]
    assert [instance.id for instance in node.instances] == ["payments-1"]
    assert [proxy.instance for proxy in node.proxies] == ["payments-1"]
    events = await within(query.ListEvents(telemetry_pb2.ListEventsRequest()))
    assert ("joined", "payments-1") in {(event.kind, event.subject) for event in events.events}


async def test_a_workload_reports_of_itself_alone(running: Running) -> None:
    sidecar = await running.join("shop/payments")
    traces = trace_service_pb2_grpc.TraceServiceStub(sidecar.channel)  # type: ignore[no-untyped-call] # it has no types
    request = trace_service_pb2.ExportTraceServiceRequest()
    resource = request.resource_spans.add().resource
    for key, value in (("service.namespace", "shop"), ("service.name", "orders")):
        resource.attributes.add(key=key).value.string_value = value
    code, details = await status_of(traces.Export(request))
    assert code is grpc.StatusCode.PERMISSION_DENIED
    assert details.startswith("the resource says shop/orders, the certificate says shop/payments")
