"""The dashboard's composition root: configuration in, pages behind the gate out.

`serve` is what `tulle dashboard` calls.
"""

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import dash
from fastapi import FastAPI

from dashboard import admin, live, shell
from dashboard.client import open_channel, read_credential
from dashboard.config import DashboardConfig
from dashboard.feed import Feed, FeedPace, utc_now
from dashboard.gate import App, Gate, GateRules
from dashboard.headers import security_headers
from dashboard.pages import PAGES
from dashboard.server import bind, make_server
from dashboard.sessions import Sessions, open_sessions
from dashboard.sources import Sources
from protos.tulle.v1.telemetry_pb2_grpc import TelemetryQueryStub

if TYPE_CHECKING:
    from protos.tulle.v1.telemetry_pb2_grpc import TelemetryQueryAsyncStub

__all__ = ["DashboardConfig", "run", "serve"]


def serve(config: DashboardConfig, ready: Callable[[str], None]) -> None:
    """Serves until SIGTERM or SIGINT, then stops within 5 s and returns.

    Args:
        config: where to listen and whom to ask.
        ready: called once with the sign-in link when the port answers.

    Raises:
        DashboardError: a setting, the credential, the session file or the address cannot be used.
    """
    asyncio.run(_serve_until_signal(config, ready))


async def _serve_until_signal(config: DashboardConfig, ready: Callable[[str], None]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await run(config, ready, stop)


async def run(config: DashboardConfig, ready: Callable[[str], None], stop: asyncio.Event) -> None:
    """The same inside a running loop: serves until ``stop`` is set."""
    credential = read_credential(config.credential)
    sessions = open_sessions(config.session_dir, time.time)
    listener = bind(config.host, config.port)
    port = listener.getsockname()[1]
    with contextlib.closing(listener):
        async with open_channel(credential) as channel:
            query: TelemetryQueryAsyncStub = TelemetryQueryStub(channel)
            feed = Feed(query, FeedPace(config.window, config.period), utc_now, time.monotonic)
            app = build(config, port, sessions, Sources(feed, query, utc_now))
            tls = (config.tls_certificate, config.tls_key) if config.tls_certificate and config.tls_key else None
            server = make_server(app, config.grace, tls)
            following = asyncio.create_task(feed.run())
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            started = asyncio.create_task(server.serving.wait())
            await asyncio.wait({serving, started}, return_when=asyncio.FIRST_COMPLETED)
            if started.done():
                ready(sign_in_link(config, port, sessions.token))
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait({serving, stopping, following}, return_when=asyncio.FIRST_COMPLETED)
            server.should_exit = True
            await serving
            for task in (following, stopping, started):
                task.cancel()
            await asyncio.gather(stopping, started, return_exceptions=True)
            with contextlib.suppress(asyncio.CancelledError):
                await following


def build(config: DashboardConfig, port: int, sessions: Sessions, sources: Sources) -> App:
    """The whole ASGI application: Dash and the admin routes, behind the gate."""
    cookie, csrf = f"tulle_session_{port}", f"tulle_csrf_{port}"
    # No interactive API documentation: its page loads scripts from another host.
    server = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    figures = admin.Figures(sources.feed)
    admin.add_routes(server, sources.feed, figures)
    pages = dash.Dash(
        "dashboard",
        server=server,  # type: ignore[arg-type]  # Dash's own way to hand over a FastAPI application
        backend="fastapi",
        assets_folder=str(Path(__file__).parent / "assets"),
        serve_locally=True,
        suppress_callback_exceptions=True,
        enable_mcp=False,
        index_string=shell.INDEX,
        update_title="",
        title="Tulle",
        csrf_token_name=csrf,
        add_log_handler=False,
    )
    pages.layout = shell.layout
    shell.register(pages, PAGES)
    for page in PAGES:
        page.register(pages, sources)
    live.register(pages, sources.feed, figures)
    rules = GateRules(
        cookie=cookie,
        csrf_cookie=csrf,
        secure=config.tls,
        hosts=_hosts(config, port),
        open_paths=admin.HEALTH_PATHS | ({admin.METRICS_PATH} if config.loopback else frozenset()),
        headers=security_headers(pages.csp_hashes()),
    )
    return Gate(pages.server, sessions, rules)


def sign_in_link(config: DashboardConfig, port: int, token: str) -> str:
    """The one link to click."""
    scheme = "https" if config.tls else "http"
    host = f"[{config.host}]" if ":" in config.host else config.host
    return f"{scheme}://{host}:{port}/?token={token}"


def _hosts(config: DashboardConfig, port: int) -> frozenset[str] | None:
    """Host headers of a loopback dashboard; a reachable one is called by names that only its users know."""
    if not config.loopback:
        return None
    host = f"[{config.host}]" if ":" in config.host else config.host
    return frozenset(f"{name}:{port}" for name in (host, "127.0.0.1", "localhost", "[::1]"))
