"""Values in force to the messages that the engine reads; nothing is decided here."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

import grpc
from google.protobuf.duration_pb2 import Duration

from control_plane.policy import defaults
from control_plane.policy.precedence import Stack
from control_plane.policy.quantity import FailureCode, RetryCode
from control_plane.policy.route import Match
from control_plane.policy.subject import HealthCheck, MethodSpec
from protos.tulle.v1 import registry_pb2, snapshot_pb2

_LOAD_BALANCING: Final = {
    "p2c": snapshot_pb2.LOAD_BALANCING_P2C_PEAK_EWMA,
    "round_robin": snapshot_pb2.LOAD_BALANCING_ROUND_ROBIN,
}
_HEALTH_CHECK_KINDS: Final = {
    "grpc": snapshot_pb2.HEALTH_CHECK_KIND_GRPC,
    "tcp": snapshot_pb2.HEALTH_CHECK_KIND_TCP,
    "off": snapshot_pb2.HEALTH_CHECK_KIND_OFF,
}
_CLIENT_STREAMING: Final = ("clientStreaming", "bidiStreaming")
_SERVER_STREAMING: Final = ("serverStreaming", "bidiStreaming")


def duration(value: timedelta) -> Duration:
    """A protobuf duration."""
    message = Duration()
    message.FromTimedelta(value)
    return message


def route_policy(stack: Stack) -> snapshot_pb2.RoutePolicy:
    """Timeouts and retries of a route."""
    policy = snapshot_pb2.RoutePolicy(retry=retry(stack), idempotent=stack.value(defaults.IDEMPOTENT))
    request, per_try = stack.value(defaults.REQUEST_TIMEOUT), stack.value(defaults.PER_TRY_TIMEOUT)
    if request is not None:
        policy.request_timeout.CopyFrom(duration(request))
    if per_try is not None:
        policy.per_try_timeout.CopyFrom(duration(per_try))
    return policy


def retry(stack: Stack) -> snapshot_pb2.Retry:
    """Retries on status codes. Where base and max come from different documents, the longer base lifts max."""
    base, longest = stack.value(defaults.BACKOFF_BASE), stack.value(defaults.BACKOFF_MAX)
    codes: tuple[RetryCode, ...] = stack.value(defaults.RETRY_ON)
    return snapshot_pb2.Retry(
        attempts=stack.value(defaults.ATTEMPTS) or defaults.ATTEMPTS_UNASKED,
        status_codes=_numbers(codes),
        backoff_base=duration(base),
        backoff_max=duration(max(base, longest)),
        budget_percent=stack.value(defaults.BUDGET_PERCENT),
        budget_min_per_second=stack.value(defaults.BUDGET_MIN_PER_SECOND),
    )


def circuit_breaker(stack: Stack) -> snapshot_pb2.CircuitBreaker:
    """The limits of a service."""
    return snapshot_pb2.CircuitBreaker(
        max_connections=stack.value(defaults.MAX_CONNECTIONS),
        max_pending=stack.value(defaults.MAX_PENDING),
        max_requests=stack.value(defaults.MAX_REQUESTS),
        max_retries=stack.value(defaults.MAX_RETRIES),
    )


def cluster(name: str, stack: Stack) -> snapshot_pb2.Cluster:
    """How the endpoints of a cluster are chosen, dialled and ejected; the endpoints themselves are still missing."""
    return snapshot_pb2.Cluster(
        name=name,
        load_balancing=_LOAD_BALANCING[stack.value(defaults.LOAD_BALANCING)],
        outlier=outlier(stack),
        connect_timeout=duration(stack.value(defaults.CONNECT_TIMEOUT)),
    )


def outlier(stack: Stack) -> snapshot_pb2.Outlier:
    """When an endpoint is left out. Where base and max come from different documents, the longer base lifts max."""
    base, longest = stack.value(defaults.EJECTION_BASE), stack.value(defaults.EJECTION_MAX)
    codes: tuple[FailureCode, ...] = stack.value(defaults.EJECTED_ON)
    return snapshot_pb2.Outlier(
        consecutive_failures=stack.value(defaults.CONSECUTIVE_FAILURES),
        open_base=duration(base),
        open_max=duration(max(base, longest)),
        max_ejected_percent=int(stack.value(defaults.MAX_EJECTED).removesuffix("%")),
        status_codes=_numbers(codes),
    )


def endpoint(instance: registry_pb2.Instance) -> snapshot_pb2.Endpoint:
    """A registered instance as callers dial it."""
    return snapshot_pb2.Endpoint(
        id=instance.id,
        address=instance.address,
        port=instance.port,
        identity=instance.identity,
        weight=max(1, instance.weight),
        healthy=instance.healthy,
        labels=dict(sorted(instance.labels.items())),
    )


def match(value: Match) -> snapshot_pb2.RouteMatch:
    """A rule's match; header names are lower case on the wire (RFC 9113, 8.2.1)."""
    headers = [snapshot_pb2.HeaderMatch(name=header.name.lower(), exact=header.value) for header in value.headers]
    service = value.method.service if value.method else None
    method = value.method.method if value.method else None
    return snapshot_pb2.RouteMatch(service=service or "", method=method or "", headers=headers)


def method(value: MethodSpec) -> snapshot_pb2.Method:
    """A declared method, by its :path."""
    return snapshot_pb2.Method(
        path=f"/{value.name}",
        client_streaming=value.kind in _CLIENT_STREAMING,
        server_streaming=value.kind in _SERVER_STREAMING,
        idempotent=value.idempotent,
    )


def health_check(value: HealthCheck) -> snapshot_pb2.HealthCheck:
    """How a service's sidecars ask after its applications; what is not given is the sidecar's default."""
    return snapshot_pb2.HealthCheck(
        kind=_HEALTH_CHECK_KINDS[value.kind],
        service=value.service,
        interval=duration(value.interval) if value.interval else None,
        timeout=duration(value.timeout) if value.timeout else None,
        failures=value.failures or 0,
        successes=value.successes or 0,
        metadata=dict(sorted(value.metadata.items())),
    )


def _numbers(codes: Iterable[str]) -> list[int]:
    return sorted(int(grpc.StatusCode[code].value[0]) for code in set(codes))
