"""Out by OTLP to the control plane, where no OpenTelemetry variable asks for more: no SDK, one channel.

The engine makes the messages: as objects of Python they cost 3 ms for a second of 2,000 calls, their imports 2 MiB.
Everything here blocks, and so runs in a thread of its own.
"""

import logging
from collections.abc import Mapping
from typing import Any, Final

import grpc

from protos.tulle.v1 import engine_pb2
from sidecar.engine import otlp_metrics, otlp_spans
from sidecar.link import CHANNEL_OPTIONS, Credentials
from sidecar.telemetry.drain import Drained
from sidecar.telemetry.pace import Due
from sidecar.telemetry.settings import TelemetrySettings

log = logging.getLogger(__name__)

# With a lost control plane the next reading is worth more than this one.
TIMEOUT_SECONDS: Final = 3.0
_METRICS: Final = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
_TRACES: Final = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


class Home:
    """Both signals to the control plane. `resource` says who this sidecar stands beside."""

    def __init__(self, settings: TelemetrySettings, resource: Mapping[str, str], version: str) -> None:
        self._settings = settings
        self._resource = [engine_pb2.ResourceAttribute(key=key, value=value) for key, value in resource.items()]
        self._version = version
        self._channel: grpc.Channel | None = None
        self._failing = False
        self._kept = b""

    def aim(self, control_plane: str, credentials: Credentials) -> None:
        """Open the channel; called again when the SVID is renewed."""
        self.close()
        self._channel = grpc.secure_channel(control_plane, credentials.for_grpc(), options=CHANNEL_OPTIONS)

    def export(self, drained: Drained, due: Due) -> bool:
        """Send what is due, and spans kept from before; False where spans are kept, to be sent first next time."""
        facts = self._facts(drained)
        metrics_out = True
        if due.metrics and self._settings.metrics.exporter != "none":
            metrics_out = self._send(_METRICS, otlp_metrics(drained.telemetry, facts))
        if due.spans and drained.spans and self._settings.traces.exporter != "none":
            self._kept = otlp_spans(drained.telemetry, facts)
        if self._kept and self._send(_TRACES, self._kept):
            self._kept = b""
        self._tell(failing=not metrics_out or bool(self._kept))
        return not self._kept

    def close(self) -> None:
        """Close the channel."""
        if self._channel is not None:
            self._channel.close()

    def _facts(self, drained: Drained) -> engine_pb2.OtlpFacts:
        return engine_pb2.OtlpFacts(
            service=drained.service,
            version=self._version,
            resource=self._resource,
            certificate_not_after_unix=drained.certificate_not_after,
        )

    def _send(self, method: str, request: bytes) -> bool:
        if self._channel is None:
            return False
        call: Any = self._channel.unary_unary(method)
        try:
            call(request, timeout=TIMEOUT_SECONDS, wait_for_ready=True)
        except grpc.RpcError:
            return False
        return True

    def _tell(self, *, failing: bool) -> None:
        if failing != self._failing:
            log.log(
                logging.WARNING if failing else logging.INFO,
                "telemetry is not taken by the control plane; trying again" if failing else "telemetry is taken again",
            )
        self._failing = failing
