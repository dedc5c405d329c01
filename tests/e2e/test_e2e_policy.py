"""A policy that is applied changes the next calls, at both sidecars, and closes no connection."""

import json
import math
from collections.abc import Callable

import grpc
import pytest

from tests.support import echo_client
from tests.support.mesh import NAMESPACE, Member, Mesh
from tests.support.waiting import until

SPLIT = """
apiVersion: tulle.dev/v1
kind: Service
metadata: {name: echo, namespace: test}
spec:
  subsets:
  - {name: echo-v1, labels: {version: v1}}
  - {name: echo-v2, labels: {version: v2}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: echo, namespace: test}
spec:
  parentRefs: [{kind: Service, name: echo}]
  rules:
  - name: all
    backendRefs: [{name: echo-v1, port: 50051, weight: 90}, {name: echo-v2, port: 50051, weight: 10}]
"""
TRAFFIC = """
apiVersion: tulle.dev/v1
kind: TrafficPolicy
metadata: {{name: echo, namespace: test}}
spec:
  targetRefs: [{{kind: Service, name: echo}}]
  {body}
"""


def connections_closed(member: Member) -> float:
    """Connections that ended since the start, as the sidecar's own metrics count them."""
    closed = [line for line in member.metrics().splitlines() if line.startswith("tulle_connections_closed")]
    return sum(float(line.rsplit(" ", 1)[1]) for line in closed)


def without_closing(members: list[Member], change: Callable[[], object]) -> None:
    before = [connections_closed(member) for member in members]
    change()
    assert [connections_closed(member) for member in members] == before


@pytest.mark.real
def test_a_split_of_90_to_10_lands_within_three_standard_deviations(mesh: Mesh) -> None:
    old, new = mesh.service("echo", labels={"version": "v1"}), mesh.service("echo", labels={"version": "v2"})
    client = mesh.caller()
    mesh.allow("echo", "client")
    mesh.reaches(client, "echo")
    calls, share = 1000, 0.1
    with client.channel("echo") as via:
        without_closing([*old, *new, client], lambda: mesh.apply(SPLIT))
        answers = [dict(echo_client.call(via, "Unary", [b"x"]).initial)["x-instance"] for _ in range(calls)]
    hits = answers.count(new[0].instance)
    assert answers.count(old[0].instance) == calls - hits
    assert abs(hits - calls * share) <= 3 * math.sqrt(calls * share * (1 - share)), hits
    until(lambda: connections_closed(client) > 0, "the count of closed connections moves when one closes")


@pytest.mark.real
def test_a_timeout_and_a_retry_hold_from_the_next_call_on(mesh: Mesh) -> None:
    (echo,), client = mesh.service("echo"), mesh.caller()
    mesh.allow("echo", "client")
    mesh.reaches(client, "echo")
    slow = [("x-wait-ms", "600")]
    with client.channel("echo") as via:
        assert echo_client.call(via, "Unary", [b"x"], slow).code is grpc.StatusCode.OK
        without_closing([echo, client], lambda: mesh.apply(TRAFFIC.format(body="timeouts: {request: 200ms}")))
        late = echo_client.call(via, "Unary", [b"x"], slow)
        assert (late.code, late.reason()) == (grpc.StatusCode.DEADLINE_EXCEEDED, "deadline")
        assert _attempts(via, echo, "once") == 1
        body = "retry: {attempts: 3, on: [UNAVAILABLE], idempotent: true, backoff: {base: 1ms, max: 2ms}}"
        without_closing([echo, client], lambda: mesh.apply(TRAFFIC.format(body=body)))
        assert _attempts(via, echo, "thrice") == 3


def _attempts(via: grpc.Channel, echo: Member, call_id: str) -> int:
    """How often a call that fails in its trailers reached the application."""
    seen = echo_client.call(via, "Unary", [b"x"], [("x-status", "14"), ("x-call-id", call_id)])
    assert seen.code is grpc.StatusCode.UNAVAILABLE
    return echo.recorded().count(call_id)


@pytest.mark.real
def test_what_was_applied_is_seen_in_get_history_and_describe(mesh: Mesh) -> None:
    mesh.service("echo")
    revision = mesh.apply(TRAFFIC.format(body="timeouts: {request: 200ms}"))
    history = json.loads(mesh.tulle("history", "-o", "json").stdout)
    assert history[0]["revision"] == str(revision)
    described = mesh.tulle("describe", f"{NAMESPACE}/echo").stdout
    assert "200ms" in described
    assert "TrafficPolicy" in described
    assert "TrafficPolicy test/echo" in mesh.tulle("get", "TrafficPolicy", "-o", "name").stdout
