"""A mesh whose applications are foreign: any program on a port, and a caller with a port of its own for it."""

from dataclasses import dataclass

import grpc

from tests.support import echo_client
from tests.support.mesh import NAMESPACE, TRUST_DOMAIN, Member, Mesh
from tests.support.process import Child
from tests.support.waiting import until

CALLER = "caller"


@dataclass
class Lane(Mesh):
    """As Mesh, plus members beside programs that the test itself starts."""

    def beside(self, name: str, port: int, *flags: str) -> Member:
        """A registered, healthy instance of `name` whose application listens on `port`."""
        member = self.join(name, port, flags)
        self.wait_for_instances(name, {member.instance})
        return member

    def caller_of(self, *names: str, flags: tuple[str, ...] = ()) -> Member:
        """A workload with one upstream port for each of `names`."""
        upstreams = (("--upstream", f"127.0.0.1:0={name}.{NAMESPACE}") for name in names)
        caller = self.join(CALLER, None, (*flags, *(part for upstream in upstreams for part in upstream)))
        if len(names) == 1:
            self.allow(names[0], CALLER)  # under the name that a test may narrow it by
        else:
            self._allow_all(caller.instance, names)
        return caller

    def _allow_all(self, policy: str, names: tuple[str, ...]) -> None:
        """One write for all of them: each waits for every sidecar."""
        targets = ", ".join(f"{{kind: Service, name: {name}}}" for name in names)
        self.apply(
            f"""
apiVersion: tulle.dev/v1
kind: AccessPolicy
metadata: {{name: {policy}, namespace: {NAMESPACE}}}
spec:
  targetRefs: [{targets}]
  action: Allow
  rules: [{{from: [{{identity: "spiffe://{TRUST_DOMAIN}/{NAMESPACE}/{CALLER}"}}]}}]
"""
        )

    def reaches_any(self, caller: Member, service: str) -> None:
        """Wait until a call gets as far as an application, which need not know the method."""
        known = (grpc.StatusCode.OK, grpc.StatusCode.UNIMPLEMENTED)
        with caller.channel(service) as via:
            until(lambda: _answer(via) in known, f"a call to {service}")

    def join(self, name: str, port: int | None, more: tuple[str, ...] = ()) -> Member:
        """A sidecar that is ready, whatever it thinks of its application."""
        instance = f"{name}-{len(self.members)}"
        command = [*self.sidecar_program(), *self.sidecar_arguments(name, instance, port, {}), *more]
        sidecar = Child.start(instance, command, self.folder)
        member = Member(name, instance, sidecar, sidecar.ready(), None, port, self.folder / f"{instance}.record")
        self.members.append(member)
        return member


def _answer(via: grpc.Channel) -> grpc.StatusCode | None:
    """The status of a call, None while the mesh itself answers."""
    seen = echo_client.call(via, "Unary", [b"?"], timeout=5)
    return None if seen.reason() else seen.code


def upstream_address(caller: Member, name: str) -> str:
    """Where the caller's sidecar takes calls for `name`."""
    return str(caller.addresses[f"{name}.{NAMESPACE}"])
