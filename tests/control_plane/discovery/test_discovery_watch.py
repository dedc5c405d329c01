import asyncio
from collections.abc import Callable
from pathlib import Path

import grpc

from protos.tulle.v1 import discovery_pb2, policy_pb2
from tests.control_plane.control_plane_harness import Running, control_plane, status_of, within

SPLIT = """
apiVersion: tulle.dev/v1
kind: TrafficPolicy
metadata: {name: slow, namespace: shop}
spec:
  targetRefs: [{kind: Service, name: payments}]
  timeouts: {request: 2s}
"""


async def apply(running: Running, yaml: str) -> int:
    request = policy_pb2.ApplyRequest(sources=[policy_pb2.Source(file="policy.yaml", yaml=yaml)], author="test")
    return (await running.operator().policy.Apply(request)).revision


async def proxies(running: Running) -> list[discovery_pb2.Proxy]:
    answer = await running.operator().discovery.ListProxies(discovery_pb2.ListProxiesRequest())
    return list(answer.proxies)


async def test_a_sidecar_gets_a_snapshot_at_once_even_in_an_empty_mesh(running: Running) -> None:
    sidecar = await running.join("shop/payments")
    snapshot = (await (await sidecar.watch("payments-1")).snapshot()).snapshot
    assert snapshot.revision > 0
    assert snapshot.trust_domain == "shop.local"
    assert snapshot.inbound.identity == "spiffe://shop.local/shop/payments"
    assert not snapshot.inbound.allow_by_default


async def test_an_applied_policy_reaches_the_sidecars_it_concerns(running: Running) -> None:
    await (await running.join("shop/payments")).register("payments-1")
    watching = await (await running.join("shop/orders")).watch("orders-1")
    await watching.next_acked(lambda response: bool(response.snapshot.services))
    applied = await apply(running, SPLIT)
    changed = (await watching.snapshot()).snapshot
    assert changed.revision >= applied
    (payments,) = [service for service in changed.services if service.name == "shop/payments"]
    assert [route.policy.request_timeout.seconds for route in payments.routes] == [2]


async def test_changes_in_quick_succession_are_one_push(running: Running) -> None:
    payments = await running.join("shop/payments")
    watching = await (await running.join("shop/orders")).watch("orders-1")
    await watching.ack((await watching.snapshot()).snapshot.revision)
    await asyncio.gather(*(payments.register(f"payments-{number}") for number in range(8)))
    pushes = 0
    while True:
        pushes += 1
        snapshot = (await watching.snapshot()).snapshot
        await watching.ack(snapshot.revision)
        if sum(len(cluster.endpoints) for cluster in snapshot.clusters) == 8:
            break
    assert pushes <= 2


def having(wanted: int) -> Callable[[discovery_pb2.WatchResponse], bool]:
    return lambda response: count(response) == wanted


async def test_while_an_answer_is_awaited_only_the_newest_waits(running: Running) -> None:
    payments = await running.join("shop/payments")
    watching = await (await running.join("shop/orders")).watch("orders-1")
    observer = await (await running.join("shop/storefront")).watch("storefront-1")
    first = (await watching.snapshot()).snapshot.revision
    for number in range(3):
        await payments.register(f"payments-{number}")
        await observer.next_acked(having(number + 1))
    await watching.ack(first)
    assert count(await watching.snapshot()) == 3, "the two in between were never sent"


def count(response: discovery_pb2.WatchResponse) -> int:
    return sum(len(cluster.endpoints) for cluster in response.snapshot.clusters)


async def test_answers_are_listed_and_a_refusal_is_kept_until_something_newer_is_taken(running: Running) -> None:
    sidecar, payments = await running.join("shop/orders"), await running.join("shop/payments")
    watching = await sidecar.watch("orders-1")
    first = (await watching.snapshot()).snapshot.revision
    await watching.ack(first)
    await payments.register("payments-1")
    refused = (await watching.snapshot()).snapshot.revision
    await watching.nack(refused, "cluster:shop/payments", "endpoints: 0.0.0.1 is not routable")
    await payments.register("payments-2")
    newest = (await watching.snapshot()).snapshot.revision

    (proxy,) = await proxies(running)
    assert (proxy.instance, proxy.identity, proxy.version) == ("orders-1", "spiffe://shop.local/shop/orders", "0.1.0")
    assert (proxy.connected, proxy.sent_revision, proxy.acked_revision) == (True, newest, first)
    assert (proxy.nack.revision, proxy.nack.resource) == (refused, "cluster:shop/payments")

    await watching.ack(newest)
    await payments.register("payments-3")
    await watching.snapshot()  # the one before was answered, or this would not have come
    (proxy,) = await proxies(running)
    assert (proxy.acked_revision, proxy.HasField("nack")) == (newest, False)


async def test_a_sidecar_whom_a_change_does_not_concern_counts_as_up_to_date(running: Running) -> None:
    watching = await (await running.join("other/alone")).watch("alone-1")
    await watching.ack((await watching.snapshot()).snapshot.revision)
    concerned = await (await running.join("shop/orders")).watch("orders-1")
    await apply(running, DECLARED)
    await (await running.join("shop/payments")).register("payments-1")
    revision = await concerned.next_acked(lambda response: count(response) == 1)
    alone = {proxy.instance: proxy for proxy in await proxies(running)}["alone-1"]
    assert alone.acked_revision >= revision


DECLARED = """
apiVersion: tulle.dev/v1
kind: Service
metadata: {name: alone, namespace: other}
spec:
  upstreams: []
"""


async def test_an_answer_to_what_was_never_sent_is_refused(running: Running) -> None:
    watching = await (await running.join("shop/orders")).watch("orders-1")
    revision = (await watching.snapshot()).snapshot.revision
    await watching.ack(revision + 1000)
    code, details = await status_of(watching.call.read())
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert f"revision {revision + 1000} was answered" in details


async def test_a_watch_begins_with_hello(running: Running) -> None:
    sidecar = await running.join("shop/orders")
    call = sidecar.discovery.Watch()
    await call.write(discovery_pb2.WatchRequest(ack=discovery_pb2.Ack(revision=1)))
    code, details = await status_of(call.read())
    assert (code, details.startswith("a watch begins with hello")) == (grpc.StatusCode.INVALID_ARGUMENT, True)


async def test_a_sidecar_that_is_gone_is_listed_as_not_connected(running: Running) -> None:
    watching = await (await running.join("shop/orders")).watch("orders-1")
    await watching.snapshot()
    await watching.call.done_writing()
    assert await within(watching.call.read()) is grpc.aio.EOF
    assert [proxy.connected for proxy in await proxies(running)] == [False]


async def test_a_stop_ends_the_stream_as_unavailable(tmp_path: Path) -> None:
    async with control_plane(tmp_path / "data") as running:
        watching = await (await running.join("shop/orders")).watch("orders-1")
        await watching.snapshot()
        running.stop.set()
        code, details = await status_of(watching.call.read())
    assert (code, details) == (grpc.StatusCode.UNAVAILABLE, "the control plane is stopping: try again")
