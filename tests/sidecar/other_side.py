"""The other side of the wire: a small control plane over real gRPC and TLS, that does and records what a test says."""

# ruff: noqa: N802 (method names are the protos')

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from protos.tulle.v1 import (
    discovery_pb2,
    discovery_pb2_grpc,
    identity_pb2,
    identity_pb2_grpc,
    registry_pb2,
    registry_pb2_grpc,
    snapshot_pb2,
)
from tests.sidecar.authority import HOUR, TRUST_DOMAIN, Authority

Context = grpc.aio.ServicerContext[Any, Any]


class Identities(identity_pb2_grpc.IdentityServicer):
    """Takes a secret once; signs whatever CSR comes for `service`."""

    def __init__(self, authority: Authority, service: str) -> None:
        self._authority = authority
        self._id = f"spiffe://{TRUST_DOMAIN}/{service}"
        self._used: set[bytes] = set()
        self.life: timedelta = HOUR
        self.renewals_refused = 0
        self.renewals: asyncio.Queue[str] = asyncio.Queue()

    async def Join(self, request: identity_pb2.JoinRequest, context: Context) -> identity_pb2.SvidResponse:
        if request.secret in self._used:
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "the token has been used")
        self._used.add(request.secret)
        return self._signed(request.csr_der)

    async def Renew(self, request: identity_pb2.RenewRequest, context: Context) -> identity_pb2.SvidResponse:
        if self.renewals_refused:
            self.renewals_refused -= 1
            await context.abort(grpc.StatusCode.UNAVAILABLE, "not now")
        self.renewals.put_nowait(shown(context))
        return self._signed(request.csr_der)

    def _signed(self, csr: bytes) -> identity_pb2.SvidResponse:
        chain = self._authority.svid(csr, self._id, self.life)
        return identity_pb2.SvidResponse(spiffe_id=self._id, chain_pem=chain, bundle_pem=self._authority.root_pem)


class Discoveries(discovery_pb2_grpc.DiscoveryServicer):
    """Pushes what is put into `pushed`; records what comes."""

    def __init__(self) -> None:
        self.pushed: asyncio.Queue[snapshot_pb2.Snapshot] = asyncio.Queue()
        self.heard: asyncio.Queue[discovery_pb2.WatchRequest] = asyncio.Queue()

    async def Watch(
        self, request_iterator: AsyncIterator[discovery_pb2.WatchRequest], context: Context
    ) -> AsyncIterator[discovery_pb2.WatchResponse]:
        listening = asyncio.create_task(self._listen(request_iterator))
        try:
            while True:
                yield discovery_pb2.WatchResponse(snapshot=await self.pushed.get())
        finally:
            listening.cancel()

    async def _listen(self, requests: AsyncIterator[discovery_pb2.WatchRequest]) -> None:
        async for request in requests:
            self.heard.put_nowait(request)


class Registries(registry_pb2_grpc.RegistryServicer):
    """Hands out leases and records what is said of them."""

    def __init__(self) -> None:
        self.ttl_ms = 60_000
        self.leases = 0
        self.given_back: set[int] = set()
        self.open = asyncio.Event()  # while it is not set, no registration is answered
        self.open.set()
        self.registered: asyncio.Queue[registry_pb2.RegisterRequest] = asyncio.Queue()
        self.kept: asyncio.Queue[registry_pb2.KeepAliveRequest] = asyncio.Queue()
        self.left: asyncio.Queue[int] = asyncio.Queue()

    async def Register(self, request: registry_pb2.RegisterRequest, context: Context) -> registry_pb2.RegisterResponse:
        self.leases += 1
        self.registered.put_nowait(request)
        await self.open.wait()
        return registry_pb2.RegisterResponse(lease_id=self.leases, ttl_ms=self.ttl_ms)

    async def KeepAlive(
        self, request_iterator: AsyncIterator[registry_pb2.KeepAliveRequest], context: Context
    ) -> AsyncIterator[registry_pb2.KeepAliveResponse]:
        async for request in request_iterator:
            if request.lease_id != self.leases or request.lease_id in self.given_back:
                await context.abort(grpc.StatusCode.NOT_FOUND, "the lease is unknown")
            self.kept.put_nowait(request)
            yield registry_pb2.KeepAliveResponse(lease_id=request.lease_id, ttl_ms=self.ttl_ms)

    async def Deregister(
        self, request: registry_pb2.DeregisterRequest, context: Context
    ) -> registry_pb2.DeregisterResponse:
        self.given_back.add(request.lease_id)
        self.left.put_nowait(request.lease_id)
        return registry_pb2.DeregisterResponse()


class Metrics(metrics_service_pb2_grpc.MetricsServiceServicer):
    """Records OTLP metrics, and the certificate (PEM) that each came with."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.taken: asyncio.Queue[metrics_service_pb2.ExportMetricsServiceRequest] = asyncio.Queue()

    async def Export(
        self, request: metrics_service_pb2.ExportMetricsServiceRequest, context: Context
    ) -> metrics_service_pb2.ExportMetricsServiceResponse:
        self.shown.append(shown(context))
        self.taken.put_nowait(request)
        return metrics_service_pb2.ExportMetricsServiceResponse()


class Traces(trace_service_pb2_grpc.TraceServiceServicer):
    """Records OTLP spans."""

    def __init__(self) -> None:
        self.taken: asyncio.Queue[trace_service_pb2.ExportTraceServiceRequest] = asyncio.Queue()

    async def Export(
        self, request: trace_service_pb2.ExportTraceServiceRequest, context: Context
    ) -> trace_service_pb2.ExportTraceServiceResponse:
        self.taken.put_nowait(request)
        return trace_service_pb2.ExportTraceServiceResponse()


class OtherSide:
    """All of it on one TLS port that requires a client certificate."""

    def __init__(self, authority: Authority, service: str = "shop/payments") -> None:
        self._authority = authority
        self.identities = Identities(authority, service)  # type: ignore[abstract]
        self.discoveries = Discoveries()  # type: ignore[abstract]
        self.registries = Registries()  # type: ignore[abstract]
        self.metrics = Metrics()
        self.traces = Traces()
        self._server: grpc.aio.Server | None = None
        self.address = "127.0.0.1:0"

    async def start(self) -> "OtherSide":
        """Listen; the first time on any free port, then on the same again."""
        server = grpc.aio.server()
        identity_pb2_grpc.add_IdentityServicer_to_server(self.identities, server)
        discovery_pb2_grpc.add_DiscoveryServicer_to_server(self.discoveries, server)
        registry_pb2_grpc.add_RegistryServicer_to_server(self.registries, server)
        metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(self.metrics, server)  # type: ignore[no-untyped-call]
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(self.traces, server)  # type: ignore[no-untyped-call]
        root = self._authority.root_pem
        credentials = grpc.ssl_server_credentials([self._authority.server()], root, require_client_auth=True)
        self.address = f"127.0.0.1:{server.add_secure_port(self.address, credentials)}"
        await server.start()
        self._server = server
        return self

    async def stop(self) -> None:
        """At once."""
        if self._server is not None:
            await self._server.stop(None)
            self._server = None


def shown(context: Context) -> str:
    """The certificate (PEM) that the caller showed."""
    certificates = context.auth_context().get("x509_pem_cert", [b""])
    return bytes(next(iter(certificates))).decode()
