"""The small HTTP server: its pages, and what it says to those who ask wrongly."""

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus

import pytest

from sidecar.address import HostPort
from sidecar.admin import Admin, Page
from sidecar.errors import InvalidSettingError


async def fine() -> Page:
    return Page.text("fine")


async def broken() -> Page:
    raise ZeroDivisionError


@pytest.fixture
async def address() -> AsyncIterator[str]:
    admin = Admin({"/fine": fine, "/broken": broken})
    yield await admin.start("127.0.0.1:0")
    await admin.close()


async def ask(address: str, request: bytes) -> bytes:
    to = HostPort.parse(address)
    reader, writer = await asyncio.open_connection(to.host, to.port)
    writer.write(request)
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    await writer.wait_closed()
    return answer


async def test_a_page_is_served_whole(address: str) -> None:
    answer = await ask(address, b"GET /fine?x=1 HTTP/1.1\r\nhost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"content-length: 5\r\n" in answer
    assert answer.endswith(b"\r\n\r\nfine\n")


async def test_head_has_no_body(address: str) -> None:
    assert (await ask(address, b"HEAD /fine HTTP/1.1\r\n\r\n")).endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /nowhere HTTP/1.1\r\n\r\n", HTTPStatus.NOT_FOUND),
        (b"POST /fine HTTP/1.1\r\n\r\n", HTTPStatus.METHOD_NOT_ALLOWED),
        (b"nonsense\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (b"GET /broken HTTP/1.1\r\n\r\n", HTTPStatus.INTERNAL_SERVER_ERROR),
        (b"GET /fine HTTP/1.1\r\nx: " + b"y" * 20_000 + b"\r\n\r\n", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE),
    ],
)
async def test_a_wrong_request_gets_its_status(address: str, request_bytes: bytes, status: HTTPStatus) -> None:
    assert (await ask(address, request_bytes)).startswith(f"HTTP/1.1 {status.value} ".encode())


async def test_a_busy_port_is_named_with_its_flag(address: str) -> None:
    with pytest.raises(InvalidSettingError, match=r"--admin \(TULLE_ADMIN\): cannot listen on .*port 0"):
        await Admin({}).start(address)
