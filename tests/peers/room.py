"""One mesh in which real stacks serve: each behind a sidecar of its own, started when a test first asks for it."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import grpc

from tests.conformance.lane import CALLER, Lane
from tests.peers.proto import peers_pb2 as pb
from tests.peers.proto.peers_pb2_grpc import PeersStub
from tests.peers.stacks import Stack
from tests.support.mesh import NAMESPACE, TRUST_DOMAIN, Member
from tests.support.process import Child
from tests.support.waiting import until

# These tests are about calls, not about who may call: what is open for all saves a write for each server.
OPEN = f"""
apiVersion: tulle.dev/v1
kind: Mesh
metadata: {{name: peers}}
spec: {{trustDomain: {TRUST_DOMAIN}, mode: open}}
"""
UNLIMITED: Sequence[tuple[str, str | int]] = (
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_metadata_size", 2**24),
    ("grpc.absolute_max_metadata_size", 2**24),
    ("grpc.enable_http_proxy", 0),
)


@dataclass(frozen=True)
class Served:
    """A stack at work behind its sidecar, and a caller's sidecar that may call it."""

    stack: Stack
    name: str
    callee: Member
    caller: Member
    port: int

    @property
    def target(self) -> str:
        """The caller's sidecar."""
        return str(self.caller.addresses["outbound"])

    @property
    def authority(self) -> str:
        return f"{self.name}.{NAMESPACE}"

    @property
    def meshed(self) -> tuple[str, str]:
        """Target and authority through both sidecars."""
        return self.target, self.authority

    @property
    def direct(self) -> tuple[str, str]:
        """Target and authority with nothing between."""
        return f"127.0.0.1:{self.port}", "direct"

    def executions(self, key: str) -> list[pb.Execution]:
        """What the application executed under keys that begin so, asked past the mesh."""
        with channel(*self.direct) as via:
            return list(PeersStub(via).Executions(pb.Prefix(key=key), timeout=20).executions)


@dataclass
class Room:
    """Starts what is asked for, once; `close` ends all of it."""

    lane: Lane
    caller: Member
    _served: dict[str, Served] = field(default_factory=dict)
    _programs: list[Child] = field(default_factory=list)

    def served(self, stack: Stack, kind: str = "", flags: Sequence[str] = ()) -> Served:
        """That stack, reachable for the caller; of a kind that is told from others, if any, with that kind's flags."""
        name = f"{stack.name}-{kind}" if kind else stack.name
        if name not in self._served:
            self._served[name] = self._start(stack, name, flags)
        reaches(self._served[name])
        return self._served[name]

    def close(self) -> None:
        try:
            self.lane.close()
        finally:
            for program in self._programs:
                program.kill()

    def _start(self, stack: Stack, name: str, flags: Sequence[str]) -> Served:
        program, port = stack.start(self.lane.folder, f"{name}-program", flags)
        self._programs.append(program)
        callee = self.lane.beside(name, port)
        return Served(stack, name, callee, self.caller, port)


@contextlib.contextmanager
def opened(lane: Lane) -> Iterator[Room]:
    """A control plane and a caller; servers come when they are asked for."""
    try:
        lane.start_control_plane()
        lane.apply(OPEN)
        room = Room(lane, lane.member(CALLER, {}, with_application=False))
    except BaseException:
        lane.close()
        raise
    try:
        yield room
    finally:
        room.close()


def channel(target: str, authority: str, *options: tuple[str, str | int]) -> grpc.Channel:
    """A connection of its own on which no limit of grpcio's stands in the way; it retries only if told so."""
    retries: tuple[tuple[str, str | int], ...] = (
        () if dict(options).get("grpc.enable_retries") else (("grpc.enable_retries", 0),)
    )
    return grpc.insecure_channel(
        target, options=[*UNLIMITED, *retries, *options, ("grpc.default_authority", authority)]
    )


def reaches(served: Served) -> None:
    """Waits until a call gets through both sidecars."""

    def is_through() -> bool:
        with channel(*served.meshed) as via:
            try:
                PeersStub(via).Executions(pb.Prefix(key="none"), timeout=5)
            except grpc.RpcError:
                return False
            return True

    until(is_through, f"a call to {served.name}")
