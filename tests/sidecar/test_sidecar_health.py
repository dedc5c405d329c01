"""The verdict on the application: 2 failures out, 1 success in, and what counts as one."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from sidecar.health import GrpcCheck, Health
from tests.sidecar.clocks import ManualClock

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


@asynccontextmanager
async def application(servicer: health.aio.HealthServicer | None = None) -> AsyncIterator[str]:
    server = grpc.aio.server()
    if servicer is not None:
        health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


def test_an_application_is_out_until_it_was_well_once() -> None:
    verdict = Health()
    verdict.observe("refused")
    assert not verdict.healthy
    assert not verdict.first_success.is_set()
    verdict.observe(None)
    assert verdict.healthy


def test_one_failure_does_not_put_it_out_and_two_in_a_row_do() -> None:
    verdict = Health()
    for result in (None, "slow", None, "slow"):
        verdict.observe(result)
    assert verdict.healthy
    verdict.observe("slow")
    assert not verdict.healthy
    verdict.observe(None)
    assert verdict.healthy


async def test_it_is_asked_often_until_it_was_well_and_every_10_seconds_then() -> None:
    answers = iter(["starting", None, None])

    async def check() -> str | None:
        return next(answers)

    clock, verdict = ManualClock(), Health()
    task = asyncio.create_task(verdict.run(check, clock))
    assert await clock.wake() < 1
    assert await clock.wake() == 10
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_the_application_says_counts() -> None:
    servicer = health.aio.HealthServicer()
    async with application(servicer) as address:
        check = GrpcCheck(address)
        await servicer.set("", SERVING)
        assert await check() is None
        await servicer.set("", NOT_SERVING)
        assert await check() == "it says NOT_SERVING"


async def test_an_application_without_health_is_well_while_it_answers() -> None:
    async with application() as address:
        assert await GrpcCheck(address)() is None
    failure = await GrpcCheck(address)()
    assert failure is not None
    assert failure.startswith("UNAVAILABLE")


async def test_an_application_that_hangs_fails_within_the_timeout() -> None:
    # The kernel takes the connection; nobody ever answers on it.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        failure = await GrpcCheck(f"127.0.0.1:{silent.getsockname()[1]}", timeout_seconds=0.2)()
    assert failure is not None
    assert failure.startswith("DEADLINE_EXCEEDED")
