"""kill -9 of an endpoint, of the control plane: no call lost, none executed twice."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field

import grpc
import pytest

from tests.support import echo_client
from tests.support.mesh import Member, Mesh
from tests.support.waiting import until

RATE = 200  # calls a second
IDEMPOTENT = """
apiVersion: tulle.dev/v1
kind: Service
metadata: {name: echo, namespace: test}
spec:
  methods:
  - {name: echo.v1.Echo/Unary, kind: unary, idempotent: true}
  - {name: echo.v1.Echo/ClientStream, kind: clientStreaming}
---
apiVersion: tulle.dev/v1
kind: TrafficPolicy
metadata: {name: echo, namespace: test}
spec:
  targetRefs: [{kind: Service, name: echo}]
  retry: {attempts: 4, on: [UNAVAILABLE]}
"""


@dataclass
class Traffic:
    """Calls at a steady rate from intended start times, in threads; each with an id of its own."""

    via: grpc.Channel
    kind: str
    results: dict[str, echo_client.Seen] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self, lanes: int = 8) -> "Traffic":
        self._threads = [threading.Thread(target=self._lane, args=(lane, lanes)) for lane in range(lanes)]
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def answered(self) -> int:
        return len(self.results)

    def _lane(self, lane: int, lanes: int) -> None:
        begun, number = time.monotonic(), 0
        while not self._stop.wait(max(0.0, begun + number * lanes / RATE - time.monotonic())):
            call_id = f"{self.kind}-{lane}-{number}"
            message = call_id.encode()
            self.results[call_id] = echo_client.call(self.via, self.kind, [message], [("x-call-id", call_id)])
            number += 1

    def failed(self) -> dict[str, echo_client.Seen]:
        return {name: seen for name, seen in self.results.items() if seen.code is not grpc.StatusCode.OK}

    def crossed(self) -> list[str]:
        return [name for name, seen in self.results.items() if seen.messages and seen.messages != (name.encode(),)]


def executions(members: list[Member]) -> Counter[str]:
    return Counter(call_id for member in members for call_id in member.recorded())


@pytest.mark.real
def test_kill_9_of_an_endpoint_fails_no_idempotent_call_and_executes_no_other_twice(mesh: Mesh) -> None:
    echoes, client = mesh.service("echo", replicas=3), mesh.caller()
    mesh.allow("echo", "client")
    mesh.apply(IDEMPOTENT)
    mesh.reaches(client, "echo")
    with client.channel("echo") as via, client.channel("echo") as other:
        safe, unsafe = Traffic(via, "Unary").start(), Traffic(other, "ClientStream").start()
        until(lambda: min(safe.answered(), unsafe.answered()) >= 200, "traffic before the kill")
        echoes[1].kill()
        before = safe.answered()
        until(lambda: safe.answered() >= before + 600, "traffic after the kill")
        safe.stop()
        unsafe.stop()
    assert safe.failed() == {}
    assert safe.crossed() == unsafe.crossed() == []
    counts = executions(echoes)
    assert {name for name in safe.results if not counts[name]} == set(), "answered and never executed"
    assert {name: counts[name] for name in unsafe.results if counts[name] > 1} == {}
    assert len(unsafe.failed()) <= 16, "more calls failed than can have been in flight on the dead endpoint"
    assert {seen.code for seen in unsafe.failed().values()} <= {grpc.StatusCode.UNAVAILABLE}


@pytest.mark.real
def test_kill_9_of_the_control_plane_fails_no_call_and_loses_no_acknowledged_write(mesh: Mesh) -> None:
    mesh.service("echo", replicas=2)
    client = mesh.caller()
    mesh.allow("echo", "client")
    mesh.reaches(client, "echo")
    assert mesh.control is not None
    with client.channel("echo") as via:
        traffic = Traffic(via, "Unary").start()
        revision = mesh.apply(IDEMPOTENT)
        mesh.control.kill()
        before = traffic.answered()
        until(lambda: traffic.answered() >= before + 400, "traffic without a control plane")
        mesh.start_control_plane()
        names = {member.instance for member in mesh.members if member.service == "echo"}
        mesh.wait_for_instances("echo", names)
        assert mesh.apply(IDEMPOTENT) >= revision
        traffic.stop()
    assert traffic.failed() == {}
    assert "echo-callers" in mesh.tulle("get", "AccessPolicy").stdout


@pytest.mark.real
def test_a_sidecar_starts_and_serves_with_no_control_plane(mesh: Mesh) -> None:
    mesh.service("echo")
    client = mesh.caller()
    mesh.allow("echo", "client")
    mesh.reaches(client, "echo")
    assert mesh.control is not None
    mesh.control.kill()
    client.sidecar.stop()
    client.sidecar = mesh.sidecar("client", client.instance, None, {})
    client.addresses = client.sidecar.ready()
    mesh.reaches(client, "echo")
