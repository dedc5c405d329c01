"""Out by OTLP to the control plane, where no OpenTelemetry variable asks for more: no SDK, one channel.

Everything here blocks, and so runs in a thread of its own.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

import grpc
from google.protobuf.message import Message
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from protos.tulle.v1 import engine_pb2
from sidecar.link import CHANNEL_OPTIONS, Credentials
from sidecar.telemetry.otlp_messages import key_values, metrics_request, spans_request
from sidecar.telemetry.series import Reading
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
        self._resource = Resource(attributes=key_values(resource))
        self._scope = InstrumentationScope(name="tulle.sidecar", version=version)
        self._channel: grpc.Channel | None = None
        self._failing = False

    def aim(self, control_plane: str, credentials: Credentials) -> None:
        """Open the channel; called again when the SVID is renewed."""
        self.close()
        self._channel = grpc.secure_channel(control_plane, credentials.for_grpc(), options=CHANNEL_OPTIONS)

    def export(self, reading: Reading, taken: Sequence[engine_pb2.Span]) -> bool:
        """Send both; False where the spans have to be kept for later."""
        metrics_out = spans_out = True
        if self._settings.metrics.exporter != "none":
            metrics_out = self._send(_METRICS, metrics_request(reading, self._resource, self._scope))
        if self._settings.traces.exporter != "none" and taken:
            spans = spans_request(taken, reading.service, self._resource, self._scope)
            spans_out = self._send(_TRACES, spans)
        self._tell(failing=not (metrics_out and spans_out))
        return spans_out

    def close(self) -> None:
        """Close the channel."""
        if self._channel is not None:
            self._channel.close()

    def _send(self, method: str, request: Message) -> bool:
        if self._channel is None:
            return False
        call: Any = self._channel.unary_unary(method, request_serializer=lambda message: message.SerializeToString())
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
