"""How the application is asked: the `healthCheck` of its Service document, with every default."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Self

from google.protobuf.duration_pb2 import Duration

from protos.tulle.v1 import snapshot_pb2

INTERVAL: Final = 10.0
TIMEOUT: Final = 1.0
FAILURES: Final = 2
SUCCESSES: Final = 1


class Kind(Enum):
    """By what means."""

    GRPC = snapshot_pb2.HEALTH_CHECK_KIND_GRPC
    TCP = snapshot_pb2.HEALTH_CHECK_KIND_TCP
    OFF = snapshot_pb2.HEALTH_CHECK_KIND_OFF


@dataclass(frozen=True, slots=True)
class CheckSettings:
    """`interval` and `timeout` in seconds; `failures` in a row put the application out, `successes` in."""

    kind: Kind = Kind.GRPC
    service: str = ""
    interval: float = INTERVAL
    timeout: float = TIMEOUT
    failures: int = FAILURES
    successes: int = SUCCESSES
    metadata: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, inbound: snapshot_pb2.Inbound) -> Self:
        """As a snapshot has it. A kind that this agent does not know yet is asked by gRPC."""
        wire = inbound.health_check
        known = wire.kind in {kind.value for kind in Kind}
        return cls(
            Kind(wire.kind) if known else Kind.GRPC,
            wire.service,
            _seconds(wire.interval) or INTERVAL,
            _seconds(wire.timeout) or TIMEOUT,
            wire.failures or FAILURES,
            wire.successes or SUCCESSES,
            dict(wire.metadata),
        )


def _seconds(duration: Duration) -> float:
    return max(0.0, duration.seconds + duration.nanos / 1e9)
