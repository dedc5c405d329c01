"""The sidecar's own small HTTP/1.1 server on loopback: /healthz, /readyz, /metrics, /describe."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus

from sidecar.address import HostPort
from sidecar.config import refuse

log = logging.getLogger(__name__)

_MAX_HEAD = 8 * 1024
_TIMEOUT = 5.0
_END_OF_HEAD = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Page:
    """One answer."""

    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    status: HTTPStatus = HTTPStatus.OK

    @classmethod
    def text(cls, text: str, status: HTTPStatus = HTTPStatus.OK) -> "Page":
        """A line of plain text."""
        return cls(text.encode() + b"\n", status=status)


Pages = Mapping[str, Callable[[], Awaitable[Page]]]


class Admin:
    """Answers GET and HEAD for the paths of `pages`, one request a connection."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._server: asyncio.Server | None = None

    async def start(self, address: str) -> str:
        """Listen; returns the address bound. Raises InvalidSettingError where it cannot be bound."""
        wanted = HostPort.parse(address)
        try:
            self._server = await asyncio.start_server(self._serve, wanted.host, wanted.port, limit=_MAX_HEAD)
        except OSError as error:
            raise refuse(
                "admin", f"cannot listen on {address}: {error.strerror}; stop what holds it, or use port 0"
            ) from error
        host, port = self._server.sockets[0].getsockname()[:2]
        return str(HostPort(host, port))

    async def close(self) -> None:
        """Stop listening; requests under way are answered."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_TIMEOUT):
                method, page = await self._answer(reader)
                writer.write(_head(page) + (b"" if method == "HEAD" else page.body))
                await writer.drain()
        except (TimeoutError, ConnectionError, asyncio.IncompleteReadError) as error:
            log.debug("admin: a client went away: %r", error)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader) -> tuple[str, Page]:
        try:
            head = await reader.readuntil(_END_OF_HEAD)
        except asyncio.LimitOverrunError:
            return "GET", Page.text("request head over 8 KiB", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        words = head.partition(b"\r\n")[0].decode("latin-1").split(" ")
        if len(words) != 3:
            return "GET", Page.text("not an HTTP request", HTTPStatus.BAD_REQUEST)
        method, path = words[0], words[1].partition("?")[0]
        if method not in ("GET", "HEAD"):
            return method, Page.text("only GET and HEAD", HTTPStatus.METHOD_NOT_ALLOWED)
        page = self._pages.get(path)
        if page is None:
            return method, Page.text(f"there are {', '.join(self._pages)}", HTTPStatus.NOT_FOUND)
        return method, await self._render(path, page)

    async def _render(self, path: str, page: Callable[[], Awaitable[Page]]) -> Page:
        try:
            return await page()
        except Exception:
            # A page that fails must not take the agent along.
            log.exception("admin: %s failed", path)
            return Page.text("failed; see the log", HTTPStatus.INTERNAL_SERVER_ERROR)


def _head(page: Page) -> bytes:
    lines = (
        f"HTTP/1.1 {page.status.value} {page.status.phrase}",
        f"content-type: {page.content_type}",
        f"content-length: {len(page.body)}",
        "cache-control: no-store",
        "connection: close",
    )
    return "\r\n".join(lines).encode() + _END_OF_HEAD
