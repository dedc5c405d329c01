"""Where it is fought: an echo service behind its sidecar, a caller's sidecar, and both doors into them."""

import enum
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import grpc
from typing_extensions import Buffer

from protos import names
from tests.abuse.victim import LEAST, Victim
from tests.abuse.watch import Watch, p99
from tests.conformance.lane import Lane, upstream_address
from tests.conformance.peer import LIMIT, Peer
from tests.soak import volume
from tests.support.echo_client import call
from tests.support.mesh import Member
from tests.support.waiting import until

CALLS = 100


class Door(enum.Enum):
    """The listeners that take HTTP/2."""

    OUTBOUND = "outbound"
    """The application-facing port, in plaintext: a rogue or broken application."""
    INBOUND = "inbound"
    """The port of other sidecars, in mTLS: a workload of the mesh that was taken over, its key with it."""


class TlsSocket(ssl.SSLSocket):
    """Says that the other side is gone in the words of a plain socket."""

    def sendall(self, data: Buffer, flags: int = 0) -> None:
        try:
            super().sendall(data, flags)
        except ssl.SSLEOFError as error:
            raise BrokenPipeError(str(error)) from error


@dataclass(frozen=True)
class Ring:
    """`calls_echo` is the channel of a client that shares the attacker's sidecars and their connection, `straight` one
    to the same application without any."""

    lane: Lane
    echo: Member
    caller: Member
    calls_echo: grpc.Channel
    straight: grpc.Channel
    watch: Watch

    def attacker(self, door: Door) -> Peer:
        """A fresh connection, not greeted."""
        if door is Door.OUTBOUND:
            return Peer.connect(upstream_address(self.caller, "echo"))
        host, _, port = str(self.echo.addresses["inbound"]).rpartition(":")
        plain = socket.create_connection((host, int(port)), timeout=LIMIT)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Peer(self._as_caller().wrap_socket(plain))

    @contextmanager
    def at(self, address: str) -> Iterator[Peer]:
        """A greeted connection to any plaintext listener."""
        peer = Peer.connect(address)
        try:
            yield peer.greet()
        finally:
            peer.close()

    @contextmanager
    def greeted(self, door: Door) -> Iterator[Peer]:
        """One that has exchanged SETTINGS, closed in the end."""
        peer = self.attacker(door)
        try:
            yield peer.greet()
        finally:
            peer.close()

    def behind(self, door: Door) -> Member:
        """Whose sidecar listens there."""
        return self.caller if door is Door.OUTBOUND else self.echo

    def victim(self, least: int = LEAST) -> Victim:
        return Victim(self.calls_echo, self.watch, least, self.straight)

    def _as_caller(self) -> ssl.SSLContext:
        """TLS with the caller's own key, as its sidecar keeps it."""
        key = next((self.lane.folder / f"{self.caller.instance}-state").rglob(names.IDENTITY_KEY))
        context = ssl.create_default_context(cafile=str(key.with_name(names.IDENTITY_BUNDLE)))
        context.sslsocket_class = TlsSocket
        context.check_hostname = False  # a SPIFFE id is no host name
        context.load_cert_chain(key.with_name(names.IDENTITY_CHAIN), key)
        context.set_alpn_protocols(["h2"])
        return context


@contextmanager
def ring(lane: Lane) -> Iterator[Ring]:
    (echo,) = lane.service("echo")
    with _around(lane, echo) as started:
        yield started


@contextmanager
def quick_ring(lane: Lane) -> Iterator[Ring]:
    """The same before an application that is quick. One in Python takes 30 ms for the hundred calls that an attacker
    may have under way, and a victim behind the same sidecar would be late by that, whatever the mesh does."""
    volume.prepare()
    with volume.backend(lane.folder) as port, _around(lane, lane.beside("echo", port)) as started:
        yield started


@contextmanager
def _around(lane: Lane, echo: Member) -> Iterator[Ring]:
    caller = lane.caller_of("echo")
    lane.reaches(caller, "echo")
    with caller.channel("echo") as calls, echo.direct() as straight:
        started = Ring(lane, echo, caller, calls, straight, Watch((caller, echo), baseline(calls)))
        yield started
        started.watch.assert_unharmed()


def baseline(calls: grpc.Channel) -> float:
    """A victim's p99 while nobody attacks, in seconds, after its first calls."""
    for _ in range(10):
        call(calls, "Unary", [b"first"])
    with Victim(calls) as victim:
        until(lambda: len(victim.answers) >= CALLS, f"{CALLS} calls")
    return p99(victim.latencies)
