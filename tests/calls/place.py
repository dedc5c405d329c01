"""Where a module's calls are made: an application of frames, a sidecar beside it, and a caller's sidecar."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import grpc

from tests.calls.application import Application
from tests.calls.caller import Caller
from tests.conformance.lane import Lane, upstream_address
from tests.streams.pair import channel
from tests.support.mesh import NAMESPACE, Member


@dataclass(frozen=True)
class Place:
    """`callee` stands beside the application, `caller` beside nothing; mTLS between."""

    name: str
    lane: Lane
    app: Application
    callee: Member
    caller: Member

    @property
    def authority(self) -> str:
        return f"{self.name}.{NAMESPACE}"

    @property
    def outbound(self) -> str:
        return str(self.caller.addresses["outbound"])

    def connect(self, *settings: tuple[int, int], reads: bool = True) -> Caller:
        """A connection of its own to the caller's sidecar."""
        return Caller(self.outbound, self.authority, *settings, reads=reads)

    def upstream_port(self) -> Caller:
        """One to the port whose calls go to this service, whatever authority they name."""
        return Caller(upstream_address(self.caller, self.name), self.authority)

    def direct(self) -> Caller:
        """One to the application, no mesh between."""
        return Caller(f"127.0.0.1:{self.app.port}", self.authority)

    def channel(self) -> grpc.Channel:
        """grpcio's, by the caller's sidecar."""
        return channel(self.outbound, self.name)

    def policy(self, body: str, *, target: str = "") -> None:
        """A TrafficPolicy of the service, in force everywhere."""
        self.lane.apply(traffic(target or self.name, body))

    def logs(self) -> str:
        """What both sidecars have said."""
        return "\n".join(member.sidecar.log.read_text(errors="replace") for member in (self.caller, self.callee))


def traffic(service: str, body: str) -> str:
    return f"""
apiVersion: tulle.dev/v1
kind: TrafficPolicy
metadata: {{name: {service}, namespace: {NAMESPACE}}}
spec:
  targetRefs: [{{kind: Service, name: {service}}}]
  {body}
"""


@contextmanager
def settled(lane: Lane, name: str, *flags: str) -> Iterator[Place]:
    """Both sidecars with these flags; in the end they and the application are gone."""
    app = Application()
    with guests(lane), closing(app):
        callee = lane.beside(name, app.port, *flags)
        caller = lane.caller_of(name, flags=flags)
        lane.reaches_any(caller, name)
        yield Place(name, lane, app, callee, caller)


@contextmanager
def guests(lane: Lane) -> Iterator[None]:
    """Members that join within leave in the end, each with exit code 0, last come first."""
    before, codes = len(lane.members), dict[str, int]()
    try:
        yield
    finally:
        for member in reversed(lane.members[before:]):
            for child in (member.sidecar, member.application):
                if child is not None and child.process.poll() is None:
                    codes[child.name] = child.stop()
    assert not any(codes.values()), codes
