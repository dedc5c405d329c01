"""The access gate: one pure-ASGI application in front of pages, assets, callbacks and websockets.

In order: Host, open paths, sign-in, session, and for whatever can change something Origin and CSRF. Nothing behind
the gate is reached without a session, so that what is behind needs no checks of its own.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from dashboard.gate_pages import bounce_page, sign_in_page
from dashboard.headers import Header
from dashboard.sessions import SESSION_LIFE, Sessions

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

CSRF_HEADER = "x-csrftoken"  # what Dash's renderer sends
SIGN_IN = "/sign-in"
_FORM_LIMIT = 4096
_SAFE = frozenset({"GET", "HEAD"})


@dataclass(frozen=True)
class GateRules:
    """What the gate goes by.

    Args:
        cookie, csrf_cookie: names of the cookies; they carry the port, because all ports of a host share cookies.
        secure: mark cookies Secure (the dashboard speaks TLS).
        hosts: Host headers allowed, None for any; a loopback dashboard names them against DNS rebinding.
        open_paths: paths that need no session.
        headers: added to every answer.
    """

    cookie: str
    csrf_cookie: str
    secure: bool
    hosts: frozenset[str] | None
    open_paths: frozenset[str]
    headers: list[Header] = field(default_factory=list)


@dataclass(frozen=True)
class Request:
    """What the gate needs to know of a request or of a websocket's handshake."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    cookies: dict[str, str]

    @property
    def own_origin(self) -> bool:
        """True where the Origin header names the host that was called."""
        origin = urlsplit(self.headers.get("origin", ""))
        return origin.scheme in ("http", "https") and origin.netloc == self.headers.get("host")

    @property
    def wants_page(self) -> bool:
        """True for a navigation: those see the sign-in form, all else a plain status."""
        return self.method in _SAFE and "text/html" in self.headers.get("accept", "")


class Gate:
    """ASGI application that lets only signed-in browsers through to ``app``."""

    def __init__(self, app: App, sessions: Sessions, rules: GateRules) -> None:
        self._app = app
        self._sessions = sessions
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one ASGI scope."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._http(scope, receive, self._with_headers(send))

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = read_request(scope)
        if self._known_host(request) and request.own_origin and self._session(request):
            await self._app(scope, receive, send)
            return
        # A close before accept is a 403 to the handshake (ASGI, "websocket close").
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": "sign in first, from the dashboard's own pages"})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = read_request(scope)
        if not self._known_host(request):
            await _answer(send, 421, "this host name is not served here, open the address that was printed")
        elif request.path in self._rules.open_paths and request.method in _SAFE:
            await self._app(scope, receive, send)
        elif request.path == SIGN_IN and request.method == "POST":
            await self._sign_in_form(request, receive, send)
        elif request.wants_page and "token" in parse_qs(request.query):
            await self._sign_in_link(request, send)
        elif not self._session(request):
            await self._refuse(request, send)
        elif request.method not in _SAFE and not self._may_change(request):
            await _answer(
                send, 403, "refused: the request does not come from the dashboard's own pages (Origin or CSRF)"
            )
        else:
            await self._app(scope, receive, send)

    async def _sign_in_link(self, request: Request, send: Send) -> None:
        query = parse_qs(request.query, keep_blank_values=True)
        token = query.pop("token")[0]
        rest = urlencode(query, doseq=True)
        await self._sign_in(token, request.path + (f"?{rest}" if rest else ""), send)

    async def _sign_in_form(self, request: Request, receive: Receive, send: Send) -> None:
        if not request.own_origin:
            await _answer(send, 403, "refused: the form was not sent from the dashboard's own page (Origin)")
            return
        body = await _read_form(receive)
        if body is None:
            await _answer(send, 413, "the form is too large")
            return
        await self._sign_in(body.get("token", [""])[0].strip(), body.get("next", ["/"])[0], send)

    async def _sign_in(self, token: str, following: str, send: Send) -> None:
        following = local_path(following)
        if not self._sessions.accepts(token):
            page = sign_in_page(following, "This token is wrong. The right one was printed when the dashboard started.")
            await _answer_page(send, 403, page)
            return
        session = self._sessions.issue()
        cookies = [
            self._cookie(self._rules.cookie, session, "; HttpOnly"),
            # Read by the renderer and sent back as a header: the one cookie that scripts must see.
            self._cookie(self._rules.csrf_cookie, self._sessions.csrf(session), ""),
        ]
        await _answer_page(send, 200, bounce_page(following), cookies)

    async def _refuse(self, request: Request, send: Send) -> None:
        path = request.path + (f"?{request.query}" if request.query else "")
        if not request.wants_page:
            await _answer(send, 401, "sign in first")
        elif request.headers.get("sec-fetch-site") == "cross-site":
            # A link on another site: the cookie may exist but was held back; ask once more from our own page.
            await _answer_page(send, 200, bounce_page(local_path(path)))
        else:
            await _answer_page(send, 401, sign_in_page(local_path(path)))

    def _may_change(self, request: Request) -> bool:
        session = request.cookies.get(self._rules.cookie, "")
        header, cookie = request.headers.get(CSRF_HEADER, ""), request.cookies.get(self._rules.csrf_cookie, "")
        return request.own_origin and header == cookie and self._sessions.csrf_valid(session, header)

    def _session(self, request: Request) -> bool:
        return self._sessions.valid(request.cookies.get(self._rules.cookie, ""))

    def _known_host(self, request: Request) -> bool:
        return self._rules.hosts is None or request.headers.get("host", "") in self._rules.hosts

    def _cookie(self, name: str, value: str, extra: str) -> Header:
        secure = "; Secure" if self._rules.secure else ""
        life = int(SESSION_LIFE.total_seconds())
        return b"set-cookie", f"{name}={value}; Path=/; SameSite=Strict; Max-Age={life}{extra}{secure}".encode()

    def _with_headers(self, send: Send) -> Send:
        async def wrapped(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *self._rules.headers]
            await send(message)

        return wrapped


def local_path(path: str) -> str:
    """The path if it stays on this host, else "/": "//host" and a backslash would leave it."""
    if path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable():
        return path
    return "/"


def read_request(scope: Scope) -> Request:
    """The gate's view of an ASGI scope. Of a header given twice none counts."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name = raw_name.decode("latin-1").lower()
        headers[name] = "" if name in headers else raw_value.decode("latin-1")
    return Request(
        method=scope.get("method", "GET"),
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        cookies=_cookies(headers.get("cookie", "")),
    )


def _cookies(header: str) -> dict[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(header).items()}
    except CookieError:
        return {}


async def _read_form(receive: Receive) -> dict[str, list[str]] | None:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > _FORM_LIMIT:
            return None
        if not message.get("more_body", False):
            return parse_qs(body.decode("utf-8", "replace"))


async def _answer(send: Send, status: int, text: str) -> None:
    await _respond(send, status, f"{text}\n".encode(), [(b"content-type", b"text/plain; charset=utf-8")])


async def _answer_page(send: Send, status: int, page: bytes, extra: list[Header] | None = None) -> None:
    headers = [(b"content-type", b"text/html; charset=utf-8"), (b"cache-control", b"no-store"), *(extra or [])]
    await _respond(send, status, page, headers)


async def _respond(send: Send, status: int, body: bytes, headers: list[Header]) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})
