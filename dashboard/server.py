"""uvicorn on a socket of our own: the address is known before anything is served, and signals stay the caller's."""

import asyncio
import contextlib
import socket
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path

import uvicorn

from dashboard.errors import AddressInUse
from dashboard.gate import App


class DashboardServer(uvicorn.Server):
    """Tells when it serves, and installs no signal handlers."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.serving = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """uvicorn's own start, then the event."""
        await super().startup(sockets)
        self.serving.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Nothing: the process that composes us owns its signals."""
        yield


def make_server(app: App, grace: timedelta, tls: tuple[Path, Path] | None) -> DashboardServer:
    """A server for the application; ``tls`` is certificate and key."""
    certificate, key = tls or (None, None)
    return DashboardServer(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,  # the sign-in link carries the token
            lifespan="on",
            ws="websockets-sansio",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=max(1, int(grace.total_seconds())),
            ssl_certfile=certificate,
            ssl_keyfile=key,
        )
    )


def bind(host: str, port: int) -> socket.socket:
    """A bound socket, not yet listening.

    Raises:
        AddressInUse: the address is taken or not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as cause:
        listener.close()
        raise AddressInUse(host, port, (cause.strerror or str(cause)).lower()) from cause
    return listener
