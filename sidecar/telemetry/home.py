"""Out by OTLP to the control plane, where no OpenTelemetry variable asks for more: no SDK, no channel of grpcio's.

The engine makes the messages: as objects of Python they cost 3 ms for a second of 2,000 calls, their imports 2 MiB. It
sends them, too: a call over grpcio wakes threads about 30 times, each time in the way of a worker on the same core.
Everything here blocks, and so runs in a thread of its own.
"""

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from protos.tulle.v1 import engine_pb2
from sidecar.engine import Posting, otlp_metrics, otlp_spans
from sidecar.errors import EngineRefusedError
from sidecar.link import Credentials
from sidecar.telemetry.drain import Drained
from sidecar.telemetry.pace import Due
from sidecar.telemetry.settings import TelemetrySettings

log = logging.getLogger(__name__)

# With a lost control plane the next reading is worth more than this one.
_TIMEOUT: Final = timedelta(seconds=3)
_METRICS: Final = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
_TRACES: Final = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


class Home:
    """Both signals to the control plane, by `engine`. `resource` says who this sidecar stands beside."""

    def __init__(self, settings: TelemetrySettings, resource: Mapping[str, str], version: str, engine: Posting) -> None:
        self._settings = settings
        self._resource = [engine_pb2.ResourceAttribute(key=key, value=value) for key, value in resource.items()]
        self._version = version
        self._engine = engine
        self._control_plane = ""
        self._failing = False
        self._cause = ""
        self._kept = b""

    def aim(self, control_plane: str, credentials: Credentials) -> None:
        """Note where to; the engine shows the SVID in force by itself."""
        self._control_plane = control_plane

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
        """Nothing is open here: the connection is the engine's."""

    def _facts(self, drained: Drained) -> engine_pb2.OtlpFacts:
        return engine_pb2.OtlpFacts(
            service=drained.service,
            version=self._version,
            resource=self._resource,
            certificate_not_after_unix=drained.certificate_not_after,
        )

    def _send(self, method: str, request: bytes) -> bool:
        """One try: what a lost control plane does not take is for the next tick."""
        try:
            self._engine.post(self._control_plane, method, request, _TIMEOUT)
        except EngineRefusedError as error:
            self._cause = str(error)
            return False
        return True

    def _tell(self, *, failing: bool) -> None:
        if failing and not self._failing:
            log.warning("telemetry is not taken by the control plane; trying again: %s", self._cause)
        elif self._failing and not failing:
            log.info("telemetry is taken again")
        self._failing = failing
