"""How calls are carried: the blocks that `TrafficPolicy` and `Mesh.spec.defaults` share.

Every field is optional; what no document says is the default in `defaults.py` (design: reference semantics).
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from control_plane.policy.block import Block
from control_plane.policy.quantity import Duration, FailureCode, Many, Mode, Name, Percent, RetryCode

Limit = Annotated[int, Field(ge=1, le=1_000_000)]


class Timeouts(Block):
    """Caps on the whole call, on one attempt, and on connecting; the caller's deadline is law besides."""

    request: Duration | None = None
    per_try: Duration | None = None
    connect: Duration | None = None

    @model_validator(mode="after")
    def _attempt_within_call(self) -> Self:
        if self.request and self.per_try and self.per_try > self.request:
            raise PydanticCustomError(
                "tulle", "{cause}", {"cause": "perTry is longer than request", "hint": "make perTry the shorter"}
            )
        return self


class Backoff(Block):
    """First backoff, doubling to the longest, full jitter."""

    base: Duration | None = None
    max: Duration | None = None

    @model_validator(mode="after")
    def _base_within_max(self) -> Self:
        if self.base and self.max and self.base > self.max:
            raise PydanticCustomError(
                "tulle", "{cause}", {"cause": "base is longer than max", "hint": "make base the shorter"}
            )
        return self


class Budget(Block):
    """Retries at most this share of active requests, plus a floor a second."""

    percent: Annotated[int, Field(ge=0, le=100)] | None = None
    min_per_second: Annotated[int, Field(ge=0, le=1_000_000)] | None = None


class RetryBlock(Block):
    """Retries on status codes. `attempts` counts the first, 1 is none. `idempotent`: calls may be executed twice."""

    attempts: Annotated[int, Field(ge=1, le=5)] | None = None
    on: Annotated[Many[RetryCode], Field(min_length=1)] | None = None
    backoff: Backoff | None = None
    budget: Budget | None = None
    idempotent: bool | None = None


class LoadBalancingBlock(Block):
    """How an endpoint is chosen, call by call."""

    policy: Literal["p2c", "round_robin"] | None = None


class Ejection(Block):
    """How long an endpoint stays out: the first time, doubling to the longest."""

    base: Duration | None = None
    max: Duration | None = None

    @model_validator(mode="after")
    def _base_within_max(self) -> Self:
        if self.base and self.max and self.base > self.max:
            raise PydanticCustomError(
                "tulle", "{cause}", {"cause": "base is longer than max", "hint": "make base the shorter"}
            )
        return self


class OutlierBlock(Block):
    """When an endpoint is left out: after so many failures in a row, never more than `maxEjected` of a service's.

    `on`: statuses of the application that count as failures besides UNAVAILABLE. Kept per service, not per route.
    """

    consecutive_failures: Annotated[int, Field(ge=1, le=10_000)] | None = None
    ejection: Ejection | None = None
    max_ejected: Percent | None = None
    on: Annotated[Many[FailureCode], Field(min_length=1)] | None = None


class CircuitBreakerBlock(Block):
    """Limits of a service. Kept per service, not per route."""

    max_connections: Limit | None = None
    max_pending: Limit | None = None
    max_requests: Limit | None = None
    max_retries: Annotated[int, Field(ge=0, le=1_000_000)] | None = None


class Traffic(Block):
    """Everything that may be said of traffic, at any rank."""

    timeouts: Timeouts | None = None
    retry: RetryBlock | None = None
    load_balancing: LoadBalancingBlock | None = None
    circuit_breaker: CircuitBreakerBlock | None = None
    outlier: OutlierBlock | None = None


class TrafficTarget(Block):
    """What a TrafficPolicy holds for: the mesh, a service, a route, or one rule (`sectionName`) of a route."""

    group: Literal["gateway.networking.k8s.io", "tulle.dev"] | None = None
    kind: Literal["Mesh", "Service", "GRPCRoute"]
    name: Name
    section_name: Name | None = None

    @model_validator(mode="after")
    def _section_of_a_route(self) -> Self:
        if self.section_name and self.kind != "GRPCRoute":
            raise PydanticCustomError(
                "tulle", "{cause}", {"cause": f"sectionName has no meaning for a {self.kind}", "hint": "leave it out"}
            )
        return self


class TrafficPolicySpec(Traffic):
    """A `TrafficPolicy`'s body."""

    target_refs: Annotated[Many[TrafficTarget], Field(min_length=1, max_length=100)]
    mode: Mode = "Enforce"
