"""What goes wrong on purpose, one thing at a time, and the endings that each explains."""

from collections.abc import Callable
from dataclasses import dataclass

import grpc

from tests.soak.expected import Ending, by_mesh
from tests.support.mesh import Member, Mesh
from tests.support.process import Child

LOST = by_mesh(grpc.StatusCode.UNAVAILABLE, "upstream_reset", "connect_failed", "no_endpoints", "breaker_open")
NOTHING: frozenset[Ending] = frozenset()

POLICIES = (
    "timeouts: {request: 25s}",
    "retry: {attempts: 3, on: [UNAVAILABLE]}",
    "loadBalancing: {policy: round_robin}",
    "circuitBreaker: {maxRequests: 512}",
)
POLICY = """
apiVersion: tulle.dev/v1
kind: TrafficPolicy
metadata: {{name: soak, namespace: test}}
spec:
  targetRefs: [{{kind: Service, name: echo}}]
  {}
"""


@dataclass(frozen=True)
class Fault:
    """`inflict` does it and undoes it."""

    name: str
    explains: frozenset[Ending]
    inflict: Callable[[], None]


def faults(mesh: Mesh, victim: Member) -> tuple[Fault, ...]:
    """In the order in which they come round again and again. `victim` is an instance of which there is another."""
    pushed = [0]

    def push() -> None:
        mesh.apply(POLICY.format(POLICIES[pushed[0] % len(POLICIES)]))
        pushed[0] += 1

    return (
        Fault("backend killed and restarted", LOST, lambda: _restart_application(mesh, victim)),
        Fault("policy pushed", NOTHING, push),
        Fault("control plane restarted", NOTHING, lambda: _restart_control_plane(mesh)),
        Fault("sidecar restarted", NOTHING, lambda: _restart_sidecar(mesh, victim)),
        Fault("control plane killed", NOTHING, lambda: _restart_control_plane(mesh, kill=True)),
        Fault("sidecar killed", LOST, lambda: _restart_sidecar(mesh, victim, kill=True)),
    )


def _restart_application(mesh: Mesh, victim: Member) -> None:
    assert victim.application is not None
    victim.application.kill()
    arguments = ["--port", str(victim.application_port), "--instance", victim.instance]
    victim.application = Child.python(f"{victim.instance}-app", "tests.support.echo_server", arguments, mesh.folder)
    victim.application.first_line()
    mesh.wait_for_instances(victim.service, {victim.instance})


def _restart_sidecar(mesh: Mesh, victim: Member, *, kill: bool = False) -> None:
    if kill:
        victim.sidecar.kill()
    else:
        assert victim.sidecar.stop() == 0
    victim.sidecar = mesh.sidecar(victim.service, victim.instance, victim.application_port, {})
    victim.addresses = victim.sidecar.ready()
    mesh.wait_for_instances(victim.service, {victim.instance})


def _restart_control_plane(mesh: Mesh, *, kill: bool = False) -> None:
    assert mesh.control is not None
    if kill:
        mesh.control.kill()
    else:
        assert mesh.control.stop() == 0
    mesh.start_control_plane()
    mesh.wait_for_instances("echo", {member.instance for member in mesh.members if member.service == "echo"})
