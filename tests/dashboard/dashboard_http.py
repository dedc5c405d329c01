"""One HTTP request with exactly the headers a test gives, answered as status, headers and text."""

import asyncio
import http.client
import re
from dataclasses import dataclass

_TIMEOUT = 10.0


@dataclass(frozen=True)
class Answer:
    """What came back; cookies by name."""

    status: int
    headers: dict[str, str]
    cookies: dict[str, str]
    cookie_lines: list[str]
    text: str


async def ask(host: str, method: str, path: str, headers: dict[str, str] | None = None, body: str = "") -> Answer:
    """Sends one request to host:port."""
    return await asyncio.to_thread(_ask, host, method, path, headers or {}, body)


def _ask(host: str, method: str, path: str, headers: dict[str, str], body: str) -> Answer:
    connection = http.client.HTTPConnection(host, timeout=_TIMEOUT)
    try:
        connection.request(method, path, body=body or None, headers=headers)
        reply = connection.getresponse()
        lines = reply.headers.get_all("set-cookie") or []
        cookies = dict(re.findall(r"^([^=]+)=([^;]*)", line)[0] for line in lines)
        shown = {name.lower(): value for name, value in reply.getheaders()}
        return Answer(reply.status, shown, cookies, lines, reply.read().decode())
    finally:
        connection.close()
