"""Out by OTLP, with the OpenTelemetry SDK's exporters; every OTEL_EXPORTER_* variable is theirs to read.

Without an endpoint in the environment the target is the control plane's own port, shown the SVID in force.
Everything here blocks, and so runs in a thread of its own.
"""

import logging
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, MetricExporter, MetricExportResult
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from sidecar.link import CHANNEL_OPTIONS, Credentials
from sidecar.telemetry import points
from sidecar.telemetry.drain import Drained
from sidecar.telemetry.pace import Due
from sidecar.telemetry.series import Reading, metrics
from sidecar.telemetry.settings import Export, TelemetrySettings
from sidecar.telemetry.spans import readable

log = logging.getLogger(__name__)

# Shorter than the SDK's 10 s: with a lost control plane the next reading is worth more than this one.
_TIMEOUT_SECONDS: Final = 3.0
_SDK_LOGGER: Final = "opentelemetry.exporter"


class Otlp:
    """Exporters for both signals. `resource` says who this sidecar stands beside."""

    def __init__(self, settings: TelemetrySettings, resource: Mapping[str, str], version: str) -> None:
        self._settings = settings
        # service.* are the mesh's names for this workload, so they win over OTEL_SERVICE_NAME, which `tulle run`
        # hands on for the application's sake; OTEL_RESOURCE_ATTRIBUTES adds the rest.
        self._resource = Resource.create(dict(resource))
        self._scope = InstrumentationScope("tulle.sidecar", version)
        self._metrics: MetricExporter | None = None
        self._spans: SpanExporter | None = None
        self._kept: list[ReadableSpan] = []
        self._failing = False
        if settings.asks_for_deltas:
            log.warning("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: only cumulative is sent; it is not obeyed")
        # It would log every try of an outage; `_tell` logs the first.
        logging.getLogger(_SDK_LOGGER).setLevel(logging.CRITICAL)

    def aim(self, control_plane: str, credentials: Credentials) -> None:
        """Make the exporters; called again when the SVID is renewed."""
        self.close()
        self._metrics = _metric_exporter(self._settings.metrics, control_plane, credentials)
        self._spans = _span_exporter(self._settings.traces, control_plane, credentials)

    def export(self, drained: Drained, due: Due) -> bool:
        """Send what is due, and spans kept from before; False where spans are kept, to be sent first next time."""
        reading = drained.parsed()
        metrics_out = not due.metrics or self._export_metrics(reading)
        if due.spans:
            self._kept = readable(reading.telemetry.spans, reading.service, self._resource, self._scope)
        if self._sends(self._kept):
            self._kept = []
        self._tell(failing=not metrics_out or bool(self._kept))
        return not self._kept

    def close(self) -> None:
        """Close the exporters' channels."""
        for exporter in (self._metrics, self._spans):
            if exporter is not None:
                exporter.shutdown()

    def _export_metrics(self, reading: Reading) -> bool:
        if self._metrics is None:
            return True
        covered = points.Covered(reading.telemetry.start_unix_nano, reading.telemetry.time_unix_nano)
        data = points.metrics_data(metrics(reading), covered, self._resource, self._scope)
        return self._metrics.export(data) is MetricExportResult.SUCCESS

    def _sends(self, spans: Sequence[ReadableSpan]) -> bool:
        if self._spans is None or not spans:
            return True
        return self._spans.export(spans) is SpanExportResult.SUCCESS

    def _tell(self, *, failing: bool) -> None:
        if failing != self._failing:
            log.log(
                logging.WARNING if failing else logging.INFO,
                "telemetry is not taken by the OTLP endpoint; trying again" if failing else "telemetry is taken again",
            )
        self._failing = failing


def _metric_exporter(export: Export, control_plane: str, credentials: Credentials) -> MetricExporter | None:
    if export.exporter == "none":
        return None
    if export.exporter == "console":
        return ConsoleMetricExporter(out=sys.stderr)
    if export.has_endpoint and export.protocol == "http/protobuf":
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as OverHttp

        return OverHttp()
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter

    return OTLPMetricExporter() if export.has_endpoint else OTLPMetricExporter(**_home(control_plane, credentials))


def _span_exporter(export: Export, control_plane: str, credentials: Credentials) -> SpanExporter | None:
    if export.exporter == "none":
        return None
    if export.exporter == "console":
        return ConsoleSpanExporter(out=sys.stderr)
    if export.has_endpoint and export.protocol == "http/protobuf":
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as OverHttp

        return OverHttp()
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter() if export.has_endpoint else OTLPSpanExporter(**_home(control_plane, credentials))


def _home(control_plane: str, credentials: Credentials) -> dict[str, Any]:
    return {
        "endpoint": f"https://{control_plane}",
        "credentials": credentials.for_grpc(),
        "timeout": _TIMEOUT_SECONDS,
        "channel_options": CHANNEL_OPTIONS,
    }
