"""A real control plane on port 0 with real certificates, sidecars that join it, and a clock that can jump."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from google.protobuf.json_format import Parse

from control_plane.app import Addresses, serve
from control_plane.config import ControlPlaneConfig, HostPort
from protos import names
from protos.tulle.v1 import (
    discovery_pb2,
    discovery_pb2_grpc,
    identity_pb2,
    identity_pb2_grpc,
    policy_pb2_grpc,
    registry_pb2,
    registry_pb2_grpc,
)

T = TypeVar("T")
TRUST_DOMAIN = "shop.local"
PATIENCE = 20.0
TARGET = (("grpc.ssl_target_name_override", names.CONTROL_PLANE_NAME),)


class JumpingClock:
    """Real time, and `jump` to be later at once."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._jumped = asyncio.Event()

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._ahead)

    def monotonic(self) -> float:
        return time.monotonic() + self._ahead

    async def sleep(self, seconds: float) -> None:
        ends = self.monotonic() + seconds
        while (left := ends - self.monotonic()) > 0:
            try:
                await asyncio.wait_for(self._jumped.wait(), left)
            except TimeoutError:
                return

    def jump(self, seconds: float) -> None:
        self._ahead += seconds
        jumped, self._jumped = self._jumped, asyncio.Event()
        jumped.set()


class RecordedEvents:
    """Events in memory."""

    def __init__(self) -> None:
        self.records: list[tuple[str, str, str]] = []

    def record(self, kind: str, subject: str, message: str) -> None:
        self.records.append((kind, subject, message))


@dataclass
class Watching:
    """A sidecar's discovery stream; answers are given by the test."""

    call: "grpc.aio.StreamStreamCall[discovery_pb2.WatchRequest, discovery_pb2.WatchResponse]"

    async def snapshot(self) -> discovery_pb2.WatchResponse:
        response = await within(self.call.read())
        assert isinstance(response, discovery_pb2.WatchResponse), "the stream ended"
        return response

    async def ack(self, revision: int) -> None:
        await self.call.write(discovery_pb2.WatchRequest(ack=discovery_pb2.Ack(revision=revision)))

    async def nack(self, revision: int, resource: str, detail: str) -> None:
        nack = discovery_pb2.Nack(revision=revision, resource=resource, detail=detail)
        await self.call.write(discovery_pb2.WatchRequest(nack=nack))

    async def next_acked(self, wanted: Callable[[discovery_pb2.WatchResponse], bool]) -> int:
        """Acknowledge snapshots until one is as wanted, and that one as well; its revision."""
        while True:
            response = await self.snapshot()
            await self.ack(response.snapshot.revision)
            if wanted(response):
                return response.snapshot.revision


@dataclass
class Peer:
    """A client with a certificate."""

    channel: grpc.aio.Channel
    root: bytes = b""
    chain: bytes = b""
    key: bytes = b""
    identity: "identity_pb2_grpc.IdentityAsyncStub" = field(init=False)
    registry: "registry_pb2_grpc.RegistryAsyncStub" = field(init=False)
    discovery: "discovery_pb2_grpc.DiscoveryAsyncStub" = field(init=False)
    policy: "policy_pb2_grpc.PolicyAsyncStub" = field(init=False)

    def __post_init__(self) -> None:
        self.identity = identity_pb2_grpc.IdentityStub(self.channel)
        self.registry = registry_pb2_grpc.RegistryStub(self.channel)
        self.discovery = discovery_pb2_grpc.DiscoveryStub(self.channel)
        self.policy = policy_pb2_grpc.PolicyStub(self.channel)

    @property
    def certificate(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.chain)

    async def register(self, instance: str, port: int = 5000, *, healthy: bool = True) -> int:
        request = registry_pb2.RegisterRequest(id=instance, port=port, healthy=healthy)
        return (await self.registry.Register(request)).lease_id

    async def watch(self, instance: str, revision: int = 0) -> Watching:
        call = self.discovery.Watch()
        hello = discovery_pb2.Hello(instance=instance, version="0.1.0", revision=revision)
        await call.write(discovery_pb2.WatchRequest(hello=hello))
        return Watching(call)


@dataclass
class Running:
    """A control plane in this process."""

    folder: Path
    addresses: Addresses
    clock: JumpingClock
    stop: asyncio.Event
    _channels: list[grpc.aio.Channel] = field(default_factory=list)

    @property
    def credential(self) -> identity_pb2.OperatorCredential:
        return Parse(self.addresses.operator_credential.read_text(), identity_pb2.OperatorCredential())

    def peer(self, root: bytes, certificate: bytes, key: bytes) -> Peer:
        credentials = grpc.ssl_channel_credentials(root, key, certificate)
        channel = grpc.aio.secure_channel(self.addresses.address, credentials, TARGET)
        self._channels.append(channel)
        return Peer(channel, root, certificate, key)

    def operator(self) -> Peer:
        it = self.credential
        return self.peer(it.root_pem.encode(), it.certificate_pem.encode(), it.key_pem.encode())

    async def token(self, service: str, ttl_seconds: int = 0) -> identity_pb2.JoinToken:
        request = identity_pb2.CreateTokenRequest(service=service, ttl_seconds=ttl_seconds)
        return decode_token((await self.operator().identity.CreateToken(request)).token)

    def joiner(self, token: identity_pb2.JoinToken) -> Peer:
        return self.peer(token.root_pem, token.certificate_pem, token.key_pem)

    async def join(self, service: str) -> Peer:
        """A workload with its first SVID."""
        token, key = await self.token(service), new_key()
        request = identity_pb2.JoinRequest(secret=token.secret, csr_der=make_csr(key))
        svid = await self.joiner(token).identity.Join(request)
        return self.peer(token.root_pem, svid.chain_pem, key_pem(key))

    async def close(self) -> None:
        for channel in self._channels:
            await channel.close(None)


@asynccontextmanager
async def control_plane(folder: Path, *, listen: HostPort | None = None) -> AsyncIterator[Running]:
    """Serve until the block ends; a failed start raises its error here."""
    stop, addresses = asyncio.Event(), asyncio.get_running_loop().create_future()
    clock = JumpingClock()
    config = ControlPlaneConfig(folder, TRUST_DOMAIN, listen or HostPort("127.0.0.1", 0))
    serving = asyncio.ensure_future(serve(config, addresses.set_result, stop, clock))
    await asyncio.wait({serving, addresses}, return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        serving.result()
    running = Running(folder, addresses.result(), clock, stop)
    try:
        yield running
    finally:
        await running.close()
        stop.set()
        await within(serving)


def decode_token(text: str) -> identity_pb2.JoinToken:
    return identity_pb2.JoinToken.FromString(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def make_csr(key: ec.EllipticCurvePrivateKey, *names_wanted: x509.GeneralName) -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    if names_wanted:
        builder = builder.add_extension(x509.SubjectAlternativeName(names_wanted), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


async def within(wanted: Awaitable[T], seconds: float = PATIENCE) -> T:
    """What is awaited, or a failed test when it takes too long."""
    return await asyncio.wait_for(wanted, seconds)


async def status_of(call: Awaitable[object]) -> tuple[grpc.StatusCode, str]:
    """How a call that must fail failed."""
    try:
        await within(call)
    except grpc.aio.AioRpcError as error:
        return error.code(), error.details() or ""
    raise AssertionError("the call succeeded")
