import asyncio
from pathlib import Path

import grpc
import pytest

from control_plane.registry.service import peer_address
from protos.tulle.v1 import registry_pb2, snapshot_pb2
from tests.control_plane.control_plane_harness import Peer, Running, control_plane, status_of, within


async def instances(running: Running, service: str = "") -> list[registry_pb2.Instance]:
    request = registry_pb2.ListInstancesRequest(service=service)
    return list((await running.operator().registry.ListInstances(request)).instances)


async def test_an_instance_is_what_its_svid_says_at_the_address_it_calls_from(running: Running) -> None:
    sidecar = await running.join("shop/payments")
    answer = await sidecar.registry.Register(
        registry_pb2.RegisterRequest(id="payments-1", port=5000, labels={"version": "v2"}, healthy=True)
    )
    assert answer.ttl_ms == 15_000
    (instance,) = await instances(running)
    assert (instance.id, instance.service, instance.address, instance.port) == (
        "payments-1",
        "shop/payments",
        "127.0.0.1",
        5000,
    )
    assert instance.identity == "spiffe://shop.local/shop/payments"
    assert dict(instance.labels) == {"version": "v2"}
    assert (instance.weight, instance.healthy) == (1, True)


async def test_the_list_can_be_of_one_service(running: Running) -> None:
    await (await running.join("shop/payments")).register("payments-1")
    await (await running.join("shop/orders")).register("orders-1")
    assert [instance.id for instance in await instances(running, "shop/orders")] == ["orders-1"]


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (registry_pb2.RegisterRequest(id="a/b", port=1), "id 'a/b'"),
        (registry_pb2.RegisterRequest(id="", port=1), "id ''"),
        (registry_pb2.RegisterRequest(id="a", port=0), "port is 0"),
        (registry_pb2.RegisterRequest(id="a", port=65_536), "port is 65536"),
        (registry_pb2.RegisterRequest(id="a", port=1, address="payments.local"), "address 'payments.local'"),
        (registry_pb2.RegisterRequest(id="a", port=1, address="0.0.0.0"), "address 0.0.0.0"),  # noqa: S104
        (registry_pb2.RegisterRequest(id="a", port=1, address="fe80::1%eth0"), "address 'fe80::1%eth0' has a zone"),
        (registry_pb2.RegisterRequest(id="-a", port=1), "id '-a'"),
        (registry_pb2.RegisterRequest(id="a", port=1, weight=1_000_001), "weight is 1000001"),
        (registry_pb2.RegisterRequest(id="a", port=1, labels={"x": "y" * 129}), "label 'x'"),
        (registry_pb2.RegisterRequest(id="a", port=1, labels={"": "x"}), "label ''"),
    ],
)
async def test_a_bad_registration_names_its_field(
    running: Running, request_: registry_pb2.RegisterRequest, field: str
) -> None:
    sidecar = await running.join("shop/payments")
    code, details = await status_of(sidecar.registry.Register(request_))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert details.startswith(field)
    assert await instances(running) == []


async def keep(peer: Peer, lease: int, reason: str = "") -> registry_pb2.KeepAliveResponse:
    """One message on a keep-alive stream of its own; with a `reason`, it is not healthy."""
    call = peer.registry.KeepAlive()
    await call.write(registry_pb2.KeepAliveRequest(lease_id=lease, healthy=not reason, unhealthy_reason=reason))
    answer = await within(call.read())
    call.cancel()
    assert isinstance(answer, registry_pb2.KeepAliveResponse), "the stream ended"
    return answer


async def test_a_lease_that_is_kept_lasts_and_one_that_is_not_ends(running: Running) -> None:
    sidecar, silent = await running.join("shop/payments"), await running.join("shop/orders")
    lease = await sidecar.register("payments-1")
    await silent.register("orders-1")
    watching = await sidecar.watch("payments-1")
    running.clock.jump(10)
    assert (await keep(sidecar, lease)).ttl_ms == 15_000
    running.clock.jump(10)
    await watching.next_acked(lambda response: "shop/orders" not in endpoints(response.snapshot))
    assert [instance.id for instance in await instances(running)] == ["payments-1"]


def endpoints(snapshot: snapshot_pb2.Snapshot) -> dict[str, list[str]]:
    return {cluster.name: [one.id for one in cluster.endpoints] for cluster in snapshot.clusters if cluster.endpoints}


async def test_a_lease_that_ended_is_not_found(running: Running) -> None:
    sidecar = await running.join("shop/payments")
    lease = await sidecar.register("payments-1")
    await sidecar.registry.Deregister(registry_pb2.DeregisterRequest(lease_id=lease))
    code, details = await status_of(keep(sidecar, lease))
    assert (code, details.endswith("register again")) == (grpc.StatusCode.NOT_FOUND, True)


async def test_nobody_keeps_or_ends_anothers_lease(running: Running) -> None:
    lease = await (await running.join("shop/payments")).register("payments-1")
    thief = await running.join("shop/orders")
    assert (await status_of(keep(thief, lease)))[0] is grpc.StatusCode.NOT_FOUND
    ending = thief.registry.Deregister(registry_pb2.DeregisterRequest(lease_id=lease))
    assert (await status_of(ending))[0] is grpc.StatusCode.NOT_FOUND
    assert [instance.id for instance in await instances(running)] == ["payments-1"]


async def test_an_unhealthy_instance_stays_in_the_snapshot_marked(running: Running) -> None:
    sidecar, caller = await running.join("shop/payments"), await running.join("shop/orders")
    lease = await sidecar.register("payments-1")
    watching = await caller.watch("orders-1")
    await watching.next_acked(lambda response: health(response.snapshot) == {"payments-1": True})
    await keep(sidecar, lease, "it says NOT_SERVING")
    await watching.next_acked(lambda response: health(response.snapshot) == {"payments-1": False})
    (instance,) = await instances(running)
    assert (instance.unhealthy_reason, instance.starting) == ("it says NOT_SERVING", False)
    await keep(sidecar, lease)
    await watching.next_acked(lambda response: health(response.snapshot) == {"payments-1": True})
    (instance,) = await instances(running)
    assert instance.unhealthy_reason == ""


def why_empty(snapshot: snapshot_pb2.Snapshot) -> dict[str, str]:
    return {cluster.name: cluster.why_empty for cluster in snapshot.clusters}


async def test_an_instance_that_was_never_healthy_is_known_with_its_reason_and_gets_no_calls(running: Running) -> None:
    sidecar, caller = await running.join("shop/payments"), await running.join("shop/orders")
    lease = await starting(sidecar, "nothing listens on 127.0.0.1:50051")
    watching = await caller.watch("orders-1")
    told = "registered, but its application is not healthy: "
    await watching.next_acked(
        lambda response: why_empty(response.snapshot) == {"shop/payments": f"{told}nothing listens on 127.0.0.1:50051"}
    )
    await keep(sidecar, lease, "it says NOT_SERVING")
    await watching.next_acked(
        lambda response: why_empty(response.snapshot) == {"shop/payments": f"{told}it says NOT_SERVING"}
    )
    await keep(sidecar, lease)
    await watching.next_acked(lambda response: health(response.snapshot) == {"payments-1": True})
    # It has been healthy: from now on it is an endpoint, marked, as any other that fails.
    await keep(sidecar, lease, "slow")
    await watching.next_acked(lambda response: health(response.snapshot) == {"payments-1": False})


async def starting(peer: Peer, reason: str) -> int:
    request = registry_pb2.RegisterRequest(id="payments-1", port=5000, starting=True, unhealthy_reason=reason)
    return int((await peer.registry.Register(request)).lease_id)


async def test_a_reason_is_one_bounded_line(running: Running) -> None:
    await starting(await running.join("shop/payments"), "it says\nESC\x1b[2J " + "x" * 10_000)
    (instance,) = await instances(running)
    assert instance.unhealthy_reason.startswith("it says ESC [2J xxx")
    assert len(instance.unhealthy_reason) == 512


async def test_a_steady_instance_costs_no_revision_and_a_new_reason_one(running: Running) -> None:
    sidecar = await running.join("shop/payments")
    lease = await starting(sidecar, "refused")
    watching = await sidecar.watch("payments-1")
    revision = await watching.next_acked(lambda response: "refused" in str(why_empty(response.snapshot)))
    for _ in range(3):
        await keep(sidecar, lease, "refused")
    await keep(sidecar, lease, "slow")
    assert await watching.next_acked(lambda response: "slow" in str(why_empty(response.snapshot))) == revision + 1


def health(snapshot: snapshot_pb2.Snapshot) -> dict[str, bool]:
    return {one.id: one.healthy for cluster in snapshot.clusters for one in cluster.endpoints}


async def test_registering_again_replaces_in_place(running: Running) -> None:
    sidecar = await running.join("shop/payments")
    first = await sidecar.register("payments-1", port=5000)
    second = await sidecar.register("payments-1", port=5001)
    assert second != first
    assert [instance.port for instance in await instances(running)] == [5001]
    assert (await status_of(keep(sidecar, first)))[0] is grpc.StatusCode.NOT_FOUND
    await keep(sidecar, second)


async def test_after_a_restart_instances_are_there_and_coming_back_changes_nothing(tmp_path: Path) -> None:
    async with control_plane(tmp_path / "data") as first:
        sidecar = await first.join("shop/payments")
        lease = await sidecar.register("payments-1")
        key, chain, root = sidecar.key, sidecar.chain, sidecar.root
    async with control_plane(tmp_path / "data") as second:
        assert [instance.id for instance in await instances(second)] == ["payments-1"]
        again = second.peer(root, chain, key)
        watching = await again.watch("payments-1")
        revision = await watching.next_acked(lambda response: True)
        assert await again.register("payments-1") == lease
        await keep(again, lease)
        await again.register("payments-2")
        newer = await watching.next_acked(lambda response: True)
        assert newer == revision + 1, "only the second instance was a change"


async def test_a_graceful_leave_waits_until_callers_have_acknowledged(running: Running) -> None:
    sidecar, caller = await running.join("shop/payments"), await running.join("shop/orders")
    lease = await sidecar.register("payments-1")
    watching = await caller.watch("orders-1")
    await watching.next_acked(lambda response: "payments-1" in health(response.snapshot))
    leaving = asyncio.ensure_future(sidecar.registry.Deregister(registry_pb2.DeregisterRequest(lease_id=lease)))
    without = await watching.snapshot()
    assert health(without.snapshot) == {}
    assert not leaving.done()
    await watching.ack(without.snapshot.revision)
    assert list((await within(leaving)).unacknowledged) == []


async def test_a_graceful_leave_waits_five_seconds_and_names_the_silent(running: Running) -> None:
    sidecar, caller = await running.join("shop/payments"), await running.join("shop/orders")
    lease = await sidecar.register("payments-1")
    watching = await caller.watch("orders-1")
    await watching.next_acked(lambda response: "payments-1" in health(response.snapshot))
    leaving = asyncio.ensure_future(sidecar.registry.Deregister(registry_pb2.DeregisterRequest(lease_id=lease)))
    await watching.snapshot()
    running.clock.jump(5)
    assert list((await within(leaving, 3)).unacknowledged) == ["orders-1"]


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:127.0.0.1:4711", "127.0.0.1"),
        ("ipv6:%5B::1%5D:4711", "::1"),
        ("ipv6:[::1]:4711", "::1"),
        ("unix:/run/x", ""),
    ],
)
def test_a_peers_address_is_read_from_grpcs_name_for_it(peer: str, address: str) -> None:
    assert peer_address(peer) == address
