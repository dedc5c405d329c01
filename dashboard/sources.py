"""What pages read from: the shared feed, and the control plane for what only one page asks."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from dashboard.feed import Feed

if TYPE_CHECKING:
    from protos.tulle.v1.telemetry_pb2_grpc import TelemetryQueryAsyncStub


@dataclass(frozen=True)
class Sources:
    """Handed to each page's ``register``."""

    feed: Feed
    query: "TelemetryQueryAsyncStub"
    now: Callable[[], datetime]
