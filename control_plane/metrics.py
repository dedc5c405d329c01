"""What the control plane counts about itself, for /metrics."""

from collections.abc import Callable

import grpc
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest


class Metrics:
    """In a registry of its own: two control planes in one process do not share numbers."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._calls = Counter(
            "tulle_control_plane_rpcs", "RPCs answered", ("method", "status"), registry=self._registry
        )

    def observe(self, method: str, status: grpc.StatusCode) -> None:
        """A `control_plane.guard.Observe`."""
        self._calls.labels(method.removeprefix("/"), status.name).inc()

    def gauge(self, name: str, documentation: str, value: Callable[[], float]) -> None:
        """A number that is read when it is asked for."""
        Gauge(name, documentation, registry=self._registry).set_function(value)

    def exposition(self) -> bytes:
        return generate_latest(self._registry)
