"""A whole sidecar over the real engine: it joins, serves, restarts without a control plane, and leaves in order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from protos import names
from protos.tulle.v1 import snapshot_pb2
from sidecar.address import HostPort
from sidecar.errors import InvalidSettingError, NotJoinedError
from tests.sidecar.authority import Authority
from tests.sidecar.other_side import OtherSide
from tests.sidecar.running import LIMIT, ORDERS, PAYMENTS, Bench, calling, own
from tulle.limits_view import in_force

Echo = grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]
METHOD = "/shop.v1.Payments/Charge"
CHAT = "/shop.v1.Payments/Chat"


@pytest.fixture(autouse=True, scope="module")
def engine_is_built() -> None:
    """Before anything starts: a sidecar that fails half-way would leave servers to the tests after it."""
    if find_spec("sidecar._engine") is None:
        pytest.fail("the engine is not built; run: make setup", pytrace=False)


class Application:
    """Echoes calls of any method, and answers health checks."""

    def __init__(self) -> None:
        self.health = health.aio.HealthServicer()
        self.address = ""

    async def start(self, at: str = "127.0.0.1:0") -> grpc.aio.Server:
        async def echo(request: bytes, context: object) -> bytes:
            return request

        async def echo_all(requests: AsyncIterator[bytes], context: object) -> AsyncIterator[bytes]:
            async for request in requests:
                yield request

        handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
            "Charge": grpc.unary_unary_rpc_method_handler(echo),
            "Chat": grpc.stream_stream_rpc_method_handler(echo_all),
        }
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("shop.v1.Payments", handlers),))
        health_pb2_grpc.add_HealthServicer_to_server(self.health, server)
        await self.health.set("", health_pb2.HealthCheckResponse.SERVING)
        self.address = str(HostPort(HostPort.parse(at).host, server.add_insecure_port(at)))
        await server.start()
        return server


@pytest.fixture
async def application() -> AsyncIterator[Application]:
    started = Application()
    server = await started.start()
    yield started
    await server.stop(None)


@pytest.fixture
def payments(authority: Authority, other_side: OtherSide, tmp_path: Path, application: Application) -> Bench:
    return Bench(authority, other_side, tmp_path / "payments", PAYMENTS, {"application": application.address})


async def test_its_limits_are_told_with_their_origin(payments: Bench) -> None:
    payments.settings["limits"] = {"resets": "7", "stall_timeout": "1.5s"}
    payments.other_side.discoveries.pushed.put_nowait(own(PAYMENTS, 1))
    async with payments.start() as running:
        rows = await asyncio.to_thread(in_force, running.addresses.admin)
    told = {row.limit.name: (row.value, row.origin) for row in rows}
    assert (told["resets"], told["stall_timeout"]) == ((7, "--limit"), (1.5, "--limit"))
    assert told["stream_errors"] == (200, "default")


async def test_it_joins_takes_policy_registers_and_is_ready(payments: Bench) -> None:
    payments.other_side.discoveries.pushed.put_nowait(own(PAYMENTS, 1))
    async with payments.start() as running:
        registered = await asyncio.wait_for(payments.other_side.registries.registered.get(), LIMIT)
        assert f"127.0.0.1:{registered.port}" == running.addresses.inbound
        assert (await payments.heard()).hello.revision == 0
        assert (await payments.heard()).ack.revision == 1
        assert await running.get("/readyz") == (200, b"ready\n")
        assert await running.get("/healthz") == (200, b"ok\n")
        agent = (await running.described())["agent"]
        assert (agent["identity"], agent["revision"]) == ("spiffe://shop.local/shop/payments", 1)
        assert agent["control_plane_connected"]
        status, exposition = await running.get("/metrics")
        assert status == 200
        assert b"tulle_config_revision 1.0" in exposition
        assert b"tulle_cert_expiry_timestamp_seconds" in exposition
        assert b"tulle_engine_panics_total 0.0" in exposition
    assert payments.other_side.registries.left.qsize() == 1


async def test_it_starts_and_is_ready_with_no_control_plane(payments: Bench) -> None:
    payments.other_side.discoveries.pushed.put_nowait(own(PAYMENTS, 3))
    async with payments.start() as running:
        instance = (await running.described())["agent"]["instance"]
    await payments.other_side.stop()
    payments.settings["token"] = None
    async with payments.start() as running:
        agent = (await running.described())["agent"]
        assert (agent["revision"], agent["instance"]) == (3, instance)
        assert not agent["control_plane_connected"]


async def test_a_stop_before_it_is_ready_is_obeyed(payments: Bench) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1), payments.start():
            raise AssertionError("ready without a snapshot")


async def test_it_is_not_ready_while_the_application_is_failing(payments: Bench, application: Application) -> None:
    await application.health.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
    payments.other_side.discoveries.pushed.put_nowait(own(PAYMENTS, 1))
    async with payments.start() as running:
        registered = await asyncio.wait_for(payments.other_side.registries.registered.get(), LIMIT)
        assert (registered.starting, registered.unhealthy_reason) == (True, "it says NOT_SERVING")
        assert await running.get("/readyz") == (503, b"the application is not healthy: it says NOT_SERVING\n")


async def test_how_a_service_wants_its_health_asked_is_obeyed_without_a_restart(
    payments: Bench, application: Application
) -> None:
    await application.health.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
    await application.health.set("shop.v1.Payments", health_pb2.HealthCheckResponse.SERVING)
    named = own(PAYMENTS, 1)
    named.inbound.health_check.service = "shop.v1.Payments"
    payments.other_side.discoveries.pushed.put_nowait(named)
    async with payments.start() as running:
        registered = await asyncio.wait_for(payments.other_side.registries.registered.get(), LIMIT)
        assert registered.healthy
        plain = own(PAYMENTS, 2)
        plain.inbound.health_check.failures = 1
        payments.other_side.discoveries.pushed.put_nowait(plain)
        async with asyncio.timeout(5):  # well before the 10 s of the check before
            while (await payments.other_side.registries.kept.get()).unhealthy_reason != "it says NOT_SERVING":
                pass
        off = own(PAYMENTS, 3)
        off.inbound.health_check.kind = snapshot_pb2.HEALTH_CHECK_KIND_OFF
        payments.other_side.discoveries.pushed.put_nowait(off)
        async with asyncio.timeout(5):
            while not (await payments.other_side.registries.kept.get()).healthy:
                pass
        assert await running.get("/readyz") == (200, b"ready\n")


@pytest.mark.parametrize("at", ["127.0.0.1:0", "[::1]:0"])
async def test_an_application_at_localhost_is_reached_where_it_listens(
    authority: Authority, other_side: OtherSide, tmp_path: Path, at: str
) -> None:
    application = Application()
    server = await application.start(at)
    port = HostPort.parse(application.address).port
    payments = Bench(authority, other_side, tmp_path / "payments", PAYMENTS, {"application": f"localhost:{port}"})
    other_side.discoveries.pushed.put_nowait(own(PAYMENTS, 1))
    async with payments.start() as called:
        async with asyncio.timeout(LIMIT):
            while not (await other_side.registries.kept.get()).healthy:
                pass
        async with calling_side(authority, tmp_path, calling(ORDERS, 1, PAYMENTS, called.addresses.inbound)) as charge:
            assert await charge(b"10 EUR", timeout=LIMIT) == b"10 EUR"
    await server.stop(None)


async def test_a_caller_is_told_why_nobody_is_there(authority: Authority, tmp_path: Path) -> None:
    snapshot = calling(ORDERS, 1, PAYMENTS, "127.0.0.1:1")
    snapshot.clusters[0].ClearField("endpoints")
    snapshot.clusters[0].why_empty = "registered, but its application is not healthy: it says NOT_SERVING"
    async with calling_side(authority, tmp_path, snapshot) as charge:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await charge(b"10 EUR", timeout=LIMIT)
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    assert refused.value.details() == f"{PAYMENTS}: {snapshot.clusters[0].why_empty}"
    assert ("tulle-reason", "no_endpoints") in tuple(refused.value.trailing_metadata())


@asynccontextmanager
async def calling_side(authority: Authority, tmp_path: Path, snapshot: snapshot_pb2.Snapshot) -> AsyncIterator[Echo]:
    """A sidecar of shop/orders with this policy, and a call of shop/payments through it."""
    other_side = await OtherSide(authority, ORDERS).start()
    orders = Bench(authority, other_side, tmp_path / "orders", ORDERS)
    other_side.discoveries.pushed.put_nowait(snapshot)
    async with orders.start() as caller, channel(caller.addresses.outbound) as to_payments:
        yield to_payments.unary_unary(METHOD)
    await other_side.stop()


async def test_the_application_is_stopped_after_deregistering(payments: Bench) -> None:
    left_before: list[int] = []

    async def stop_application() -> None:
        left_before.append(payments.other_side.registries.left.qsize())

    payments.before_shutdown = stop_application
    payments.other_side.discoveries.pushed.put_nowait(own(PAYMENTS, 1))
    async with payments.start():
        await asyncio.wait_for(payments.other_side.registries.registered.get(), LIMIT)
    assert left_before == [1]


async def test_a_busy_port_is_named_by_its_flag(payments: Bench, application: Application) -> None:
    payments.settings["outbound"] = application.address
    with pytest.raises(InvalidSettingError, match=r"--outbound \(TULLE_OUTBOUND\): cannot listen on"):
        async with payments.start():
            pass


async def test_without_a_token_nothing_starts(payments: Bench) -> None:
    payments.settings["token"] = None
    with pytest.raises(NotJoinedError):
        async with payments.start():
            pass


async def test_calls_cross_two_sidecars_and_telemetry_names_both_ends(payments: Bench, tmp_path: Path) -> None:
    other_side = await OtherSide(payments.authority, ORDERS).start()
    orders = Bench(payments.authority, other_side, tmp_path / "orders", ORDERS, {"otlp": True})
    payments.other_side.discoveries.pushed.put_nowait(own(PAYMENTS, 1))
    async with payments.start() as called:
        other_side.discoveries.pushed.put_nowait(calling(ORDERS, 1, PAYMENTS, called.addresses.inbound))
        async with orders.start() as caller, channel(caller.addresses.outbound) as to_payments:
            charge: Echo = to_payments.unary_unary(METHOD)
            assert await charge(b"10 EUR", timeout=LIMIT) == b"10 EUR"
            exposition = (await called.get("/metrics"))[1].decode()
        (line,) = [one for one in exposition.splitlines() if one.startswith("rpc_server_call_duration_seconds_count")]
        assert 'tulle_source="shop/orders"' in line
        assert 'tulle_target="shop/payments"' in line
    assert names.CLIENT_CALL_DURATION in await exported(other_side)
    await other_side.stop()


async def test_a_renewal_breaks_no_open_call(payments: Bench, tmp_path: Path) -> None:
    other_side = await OtherSide(payments.authority, ORDERS).start()
    orders = Bench(payments.authority, other_side, tmp_path / "orders", ORDERS)
    # A life so short that both renew while the call is open: its half is over within seconds.
    for side in (other_side, payments.other_side):
        side.identities.life = side.identities.life / 600
    payments.other_side.discoveries.pushed.put_nowait(own(PAYMENTS, 1))
    async with payments.start() as called:
        other_side.discoveries.pushed.put_nowait(calling(ORDERS, 1, PAYMENTS, called.addresses.inbound))
        async with orders.start() as caller, channel(caller.addresses.outbound) as to_payments:
            chats: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = to_payments.stream_stream(CHAT)
            chat = chats()
            await chat.write(b"before")
            assert await chat.read() == b"before"
            for side in (other_side, payments.other_side):
                await asyncio.wait_for(side.identities.renewals.get(), LIMIT)
            await chat.write(b"after")
            assert await chat.read() == b"after"
            await chat.done_writing()
            assert await chat.code() is grpc.StatusCode.OK
            charge: Echo = to_payments.unary_unary(METHOD)
            assert await charge(b"new call", timeout=LIMIT) == b"new call"
    await other_side.stop()


def channel(outbound: str) -> grpc.aio.Channel:
    options = (("grpc.default_authority", "payments"), ("grpc.enable_http_proxy", 0))
    return grpc.aio.insecure_channel(outbound, options=options)


async def exported(other_side: OtherSide) -> set[str]:
    """Names of the metrics that came last."""
    found: set[str] = set()
    while not other_side.metrics.taken.empty():
        request = other_side.metrics.taken.get_nowait()
        found = {metric.name for metric in request.resource_metrics[0].scope_metrics[0].metrics}
    return found
