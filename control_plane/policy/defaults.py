"""What holds where no document says otherwise (design: reference semantics), one field a line."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Final, Generic, TypeVar, cast

from pydantic.alias_generators import to_snake

from control_plane.policy.quantity import FailureCode, RetryCode
from control_plane.policy.traffic import Traffic

T = TypeVar("T")


@dataclass(frozen=True)
class TrafficField(Generic[T]):
    """A leaf of a Traffic block: its path as documents write it, and its default."""

    path: str
    default: T

    def read(self, traffic: Traffic) -> T | None:
        """The value that this block gives, None if it gives none."""
        value: object = traffic
        for part in _attributes(self.path):
            value = getattr(value, part)
            if value is None:
                return None
        return cast(T, value)


@cache
def _attributes(path: str) -> tuple[str, ...]:
    return tuple(to_snake(part) for part in path.split("."))


def _seconds(value: float) -> timedelta:
    return timedelta(seconds=value)


REQUEST_TIMEOUT: Final[TrafficField[timedelta | None]] = TrafficField("timeouts.request", None)
PER_TRY_TIMEOUT: Final[TrafficField[timedelta | None]] = TrafficField("timeouts.perTry", None)
CONNECT_TIMEOUT: Final = TrafficField("timeouts.connect", _seconds(5))
# 1 retry where any policy speaks of retries, none on status codes where nobody does.
ATTEMPTS: Final[TrafficField[int | None]] = TrafficField("retry.attempts", None)
ATTEMPTS_UNASKED: Final = 1
ATTEMPTS_ASKED: Final = 2
RETRY_ON: Final[TrafficField[tuple[RetryCode, ...]]] = TrafficField("retry.on", ("UNAVAILABLE",))
BACKOFF_BASE: Final = TrafficField("retry.backoff.base", timedelta(milliseconds=25))
BACKOFF_MAX: Final = TrafficField("retry.backoff.max", timedelta(milliseconds=250))
BUDGET_PERCENT: Final = TrafficField("retry.budget.percent", 20)
BUDGET_MIN_PER_SECOND: Final = TrafficField("retry.budget.minPerSecond", 10)
IDEMPOTENT: Final = TrafficField("retry.idempotent", False)
LOAD_BALANCING: Final = TrafficField("loadBalancing.policy", "p2c")
MAX_CONNECTIONS: Final = TrafficField("circuitBreaker.maxConnections", 1024)
MAX_PENDING: Final = TrafficField("circuitBreaker.maxPending", 1024)
MAX_REQUESTS: Final = TrafficField("circuitBreaker.maxRequests", 1024)
MAX_RETRIES: Final = TrafficField("circuitBreaker.maxRetries", 3)
CONSECUTIVE_FAILURES: Final = TrafficField("outlier.consecutiveFailures", 7)
EJECTION_BASE: Final = TrafficField("outlier.ejection.base", _seconds(1))
EJECTION_MAX: Final = TrafficField("outlier.ejection.max", _seconds(60))
# Rounded down: of one endpoint none is ever ejected.
MAX_EJECTED: Final = TrafficField("outlier.maxEjected", "50%")
EJECTED_ON: Final[TrafficField[tuple[FailureCode, ...]]] = TrafficField("outlier.on", ("UNAVAILABLE",))

Anything = TrafficField[object]
ROUTE_FIELDS: Final = cast(
    tuple[Anything, ...],
    (
        REQUEST_TIMEOUT,
        PER_TRY_TIMEOUT,
        ATTEMPTS,
        RETRY_ON,
        BACKOFF_BASE,
        BACKOFF_MAX,
        BUDGET_PERCENT,
        BUDGET_MIN_PER_SECOND,
        IDEMPOTENT,
    ),
)
# Kept once a service: given on a route or a rule, they hold for the whole service that the route belongs to.
SERVICE_FIELDS: Final = cast(
    tuple[Anything, ...],
    (
        CONNECT_TIMEOUT,
        LOAD_BALANCING,
        MAX_CONNECTIONS,
        MAX_PENDING,
        MAX_REQUESTS,
        MAX_RETRIES,
        CONSECUTIVE_FAILURES,
        EJECTION_BASE,
        EJECTION_MAX,
        MAX_EJECTED,
        EJECTED_ON,
    ),
)
