"""One question to an application: what proves life, what is failing, what is busy, what is another protocol."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import pytest

from sidecar.address import HostPort
from sidecar.health.asking import Asking
from sidecar.health.grpc_check import GrpcCheck
from sidecar.health.seen import WELL, State
from sidecar.health.settings import CheckSettings, Kind
from tests.sidecar.applications import NOT_SERVING, Answer, Context, always, answering, application, ending

QUICK = CheckSettings(timeout=0.3)
LIMIT = 10


async def nowhere(place: HostPort) -> None:
    """Where the application was found is of no interest."""


@asynccontextmanager
async def asking(at: HostPort, settings: CheckSettings = QUICK) -> AsyncIterator[GrpcCheck]:
    check = GrpcCheck(at, settings, nowhere)
    try:
        yield check
    finally:
        await check.close()


def free_port() -> int:
    """Nobody listens there."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@pytest.mark.parametrize(
    "answer",
    [
        always(b"\x08\x01"),
        always(b""),  # UNKNOWN
        always(b"\x08\x03"),  # SERVICE_UNKNOWN
        always(b"\x08\x63"),  # a status that nobody knows
        always(b"\xff\xff\xff"),  # no message at all
        always(b"\x08"),
        *(ending(code) for code in grpc.StatusCode if code is not grpc.StatusCode.OK),
    ],
)
async def test_any_answer_but_not_serving_proves_life(answer: Answer) -> None:
    async with application(answer) as asked, asking(asked.at, CheckSettings(timeout=5)) as check:
        assert await check() == WELL
        assert await check() == WELL


async def test_an_application_without_health_is_well() -> None:
    server = grpc.aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with asking(HostPort("127.0.0.1", port)) as check:
        assert await check() == WELL
    await server.stop(None)


async def test_not_serving_is_failing() -> None:
    async with application(always(NOT_SERVING)) as asked, asking(asked.at) as check:
        seen = await check()
    assert (seen.state, seen.reason) == (State.FAILING, "it says NOT_SERVING")


async def test_where_nobody_listens_is_named() -> None:
    port = free_port()
    async with asking(HostPort("127.0.0.1", port)) as check:
        seen = await check()
    assert (seen.state, seen.reason) == (State.FAILING, f"nothing listens on 127.0.0.1:{port}")


async def test_the_connection_stays_from_question_to_question() -> None:
    async with application() as asked, asking(asked.at) as check:
        for _ in range(5):
            assert await check() == WELL
    assert len(asked.peers) == 5
    assert len(set(asked.peers)) == 1


async def test_a_restarted_application_is_seen_by_the_very_next_question() -> None:
    async with application() as asked, asking(asked.at) as check:
        assert await check() == WELL
        at = str(asked.at)
        asked_before = asked
    async with asking(asked_before.at) as check:
        async with application(at=at):
            assert await check() == WELL
        async with application(at=at):
            assert await check() == WELL
        assert (await check()).state is State.FAILING
        async with application(at=at):
            assert await check() == WELL


async def test_an_application_that_does_not_answer_in_time_but_takes_connections_is_busy() -> None:
    # The kernel takes the connection; nobody ever answers on it.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        at = HostPort("127.0.0.1", silent.getsockname()[1])
        async with asking(at) as check:
            seen = await check()
    assert seen.state is State.BUSY
    assert seen.reason == f"no answer to a health check within 0.3 s, though {at} takes connections"


async def test_a_server_whose_workers_are_all_taken_is_busy_and_then_well() -> None:
    free = asyncio.Event()

    async def late(_: bytes, context: Context) -> bytes:
        await free.wait()
        return b"\x08\x01"

    async with application(late) as asked, asking(asked.at) as check:
        assert (await check()).state is State.BUSY
        free.set()
        assert await check() == WELL


@pytest.mark.parametrize(
    ("first", "sentence"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "answers HTTP/1.1; it must speak HTTP/2 (h2c)"),
        (b"HTTP/1.0 200 OK\r\n\r\nhello", "answers HTTP/1.0; it must speak HTTP/2 (h2c)"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "answers TLS; it must speak HTTP/2 without TLS (h2c), the sidecars encrypt"),
        (b"SSH-2.0-x\r\n", "does not speak HTTP/2 (h2c): its answer begins with b'SSH-2.0-x\\r\\n'"),
    ],
)
async def test_another_protocol_is_named(first: bytes, sentence: str) -> None:
    async with answering(first) as (at, _), asking(at) as check:
        for _ in range(2):
            seen = await check()
            assert (seen.state, seen.reason) == (State.FOREIGN, f"the application at {at} {sentence}")


async def test_an_application_known_to_speak_another_protocol_gets_one_greeting_a_question() -> None:
    async with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as (at, began), asking(at) as check:
        await check()
        began.clear()
        await check()
    assert [greeting[:3] for greeting in began if greeting] == [b"PRI"]


async def test_an_application_that_hangs_up_is_failing_with_grpcs_own_words() -> None:
    async with answering(b"") as (at, _), asking(at) as check:
        seen = await check()
    assert seen.state is State.FAILING
    assert seen.reason.startswith("UNAVAILABLE: ")


async def test_service_and_metadata_are_sent_with_each_question() -> None:
    settings = CheckSettings(service="shop.v1.Payments", metadata={"authorization": "Bearer x"})
    async with application() as asked, asking(asked.at, settings) as check:
        await check()
    assert asked.requests == [b"\x0a\x10shop.v1.Payments"]
    assert asked.metadata[0]["authorization"] == "Bearer x"


async def test_localhost_is_found_on_ipv4_or_ipv6() -> None:
    for host in ("127.0.0.1", "[::1]"):
        found: list[HostPort] = []

        async def note(place: HostPort, found: list[HostPort] = found) -> None:
            found.append(place)

        async with application(at=f"{host}:0") as asked:
            check = GrpcCheck(HostPort("localhost", asked.at.port), QUICK, note)
            assert await check() == WELL
            await check.close()
            assert found == [asked.at]


async def test_who_named_one_address_is_told_of_the_other_one() -> None:
    async with application(at="[::1]:0") as asked, asking(HostPort("127.0.0.1", asked.at.port)) as check:
        seen = await check()
    port = asked.at.port
    assert seen.reason == (
        f"nothing listens on 127.0.0.1:{port}, but [::1]:{port} answers; say --application localhost:{port}"
    )


async def test_a_connection_is_enough_where_the_service_says_tcp_and_nothing_where_it_says_off() -> None:
    async with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as (at, _):
        asking_it = Asking(at, nowhere)
        assert (await asking_it.ask(QUICK)).state is State.FOREIGN
        assert await asking_it.ask(CheckSettings(Kind.TCP)) == WELL
    assert (await asking_it.ask(CheckSettings(Kind.TCP))).reason == f"nothing listens on {at}"
    assert await asking_it.ask(CheckSettings(Kind.OFF)) == WELL
    await asking_it.close()
