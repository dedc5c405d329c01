"""The admin listener: GET /healthz, /readyz and /metrics over HTTP/1.1 on loopback, one request a connection."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Final, NamedTuple

from control_plane.config import HostPort
from control_plane.errors import StartError

LARGEST_REQUEST: Final = 8 * 1024
REQUEST_SECONDS: Final = 5.0
PLAIN: Final = "text/plain; charset=utf-8"
EXPOSITION: Final = "text/plain; version=0.0.4; charset=utf-8"


class AdminPortError(StartError):
    """The admin listener's port cannot be bound."""


class Answer(NamedTuple):
    status: HTTPStatus
    content_type: str
    body: bytes


class Admin:
    """Ready until told otherwise; `metrics` gives the text exposition."""

    def __init__(self, metrics: Callable[[], bytes]) -> None:
        self._metrics = metrics
        self._ready = False
        self._server: asyncio.Server | None = None

    async def start(self, address: HostPort) -> HostPort:
        """Listen; the address really bound. AdminPortError."""
        try:
            self._server = await asyncio.start_server(
                self._serve, address.host, address.port, limit=LARGEST_REQUEST, reuse_port=False
            )
        except OSError as error:
            raise AdminPortError(
                f"cannot listen on {address} for admin: {error.strerror}", hint="choose another --admin, or port 0"
            ) from error
        return HostPort(address.host, self._server.sockets[0].getsockname()[1])

    def ready(self) -> None:
        self._ready = True

    def unready(self) -> None:
        self._ready = False

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(_encode(self._answer(head)))
                await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            pass  # a client that asks nothing, too much, or leaves gets no answer
        finally:
            writer.close()

    def _answer(self, head: bytes) -> Answer:
        method, _, rest = head.partition(b"\r\n")[0].decode("latin-1").partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        if method != "GET":
            return Answer(HTTPStatus.METHOD_NOT_ALLOWED, PLAIN, b"only GET\n")
        if path == "/healthz":
            return Answer(HTTPStatus.OK, PLAIN, b"ok\n")
        if path == "/readyz":
            return Answer(HTTPStatus.OK, PLAIN, b"ready\n") if self._ready else _not_ready()
        if path == "/metrics":
            return Answer(HTTPStatus.OK, EXPOSITION, self._metrics())
        return Answer(HTTPStatus.NOT_FOUND, PLAIN, b"try /healthz, /readyz or /metrics\n")


def _not_ready() -> Answer:
    return Answer(HTTPStatus.SERVICE_UNAVAILABLE, PLAIN, b"not ready\n")


def _encode(answer: Answer) -> bytes:
    status = answer.status
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {answer.content_type}\r\n"
        f"Content-Length: {len(answer.body)}\r\nConnection: close\r\nCache-Control: no-store\r\n\r\n"
    )
    return head.encode("latin-1") + answer.body
