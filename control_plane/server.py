"""The one TLS port: a client certificate is asked for and required, before any RPC."""

import os
import socket
from datetime import timedelta
from typing import Any, Final, cast

import grpc

from control_plane.clock import Clock
from control_plane.config import HostPort
from control_plane.errors import StartError
from control_plane.guard import Guard
from control_plane.identity.authority import Authority

ELSEWHERE: Final = "stop what uses that address, or choose another with --listen"
HOSTS: Final = ("localhost", "127.0.0.1", "::1")
RENEW_BEFORE: Final = timedelta(days=30)

OPTIONS: Final[tuple[tuple[str, int], ...]] = (
    # Without this a second control plane would bind the same port and take half of the calls.
    ("grpc.so_reuseport", 0),
    # A sidecar whose machine died is noticed in 15 s; sidecars may ask the same of us.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
)


class PortError(StartError):
    """The port cannot be bound."""


class ServerCertificate:
    """The control plane's own certificate, renewed while the process runs; connections that stand are left alone."""

    def __init__(self, authority: Authority, listen: HostPort, clock: Clock) -> None:
        self._authority = authority
        self._hosts = HOSTS if listen.is_wildcard or listen.host in HOSTS else (*HOSTS, listen.host)
        self._clock = clock
        self._pair = authority.issue_server(clock.now(), self._hosts)

    def credentials(self) -> grpc.ServerCredentials:
        # The stubs do not know that a fetcher may answer None (grpc.dynamic_ssl_server_credentials says so).
        return grpc.dynamic_ssl_server_credentials(self._configuration(), cast(Any, self.renewed), True)

    def renewed(self) -> grpc.ServerCertificateConfiguration | None:
        """Asked by gRPC before every handshake, from a thread of its own; None leaves what it has."""
        now = self._clock.now()
        if self._pair.certificate.not_valid_after_utc - now > RENEW_BEFORE:
            return None
        self._pair = self._authority.issue_server(now, self._hosts)
        return self._configuration()

    def _configuration(self) -> grpc.ServerCertificateConfiguration:
        chain = [(self._pair.key_pem, self._pair.certificate_pem)]
        return grpc.ssl_server_certificate_configuration(chain, self._authority.clients_pem)


def make_server(guard: Guard) -> grpc.aio.Server:
    return grpc.aio.server(interceptors=(guard,), options=OPTIONS)


def bind(server: grpc.aio.Server, listen: HostPort, credentials: grpc.ServerCredentials) -> HostPort:
    """The address really bound. PortError."""
    _probe(listen)
    try:
        port = server.add_secure_port(str(listen), credentials)
    except RuntimeError as error:
        raise PortError(f"cannot listen on {listen}", hint=ELSEWHERE) from error
    return HostPort(listen.host, port)


def _probe(listen: HostPort) -> None:
    """Bind and let go: gRPC tells no cause, and logs a page instead of a line."""
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    try:
        socket.create_server((listen.host, listen.port), family=family).close()
    except OSError as error:
        cause = os.strerror(error.errno).lower() if error.errno and error.errno > 0 else "no such host"
        raise PortError(f"cannot listen on {listen}: {cause}", hint=ELSEWHERE) from error
