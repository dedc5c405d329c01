"""What OpenTelemetry's environment variables say, where the SDK's exporters do not read them themselves."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal, Self

from sidecar.errors import InvalidSettingError

Signal = Literal["METRICS", "TRACES"]
_SIGNALS: Final = ("METRICS", "TRACES")

# /metrics is always there, so "prometheus" asks for nothing more.
_EXPORTERS: Final = {"otlp": "otlp", "console": "console", "none": "none", "prometheus": "none"}
_PROTOCOLS: Final = frozenset({"grpc", "http/protobuf"})
_TEMPORALITY: Final = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"
# What only the SDK's exporters read; without any of these nothing but the control plane is the target.
_SDK_READS: Final = ("OTEL_EXPORTER_OTLP_", "OTEL_RESOURCE_ATTRIBUTES")
# Metrics more often than OpenTelemetry's 60 s: the dashboard lives on them. Spans as its batch processor has them.
_INTERVAL: Final = ("OTEL_METRIC_EXPORT_INTERVAL", "1000")
_SPAN_DELAY: Final = ("OTEL_BSP_SCHEDULE_DELAY", "5000")
_DEFAULT_TRACE_RATIO: Final = 0.01


@dataclass(frozen=True, slots=True)
class Export:
    """How one signal goes out. `has_endpoint`: the operator named one, so the control plane is not the target."""

    exporter: str
    protocol: str
    has_endpoint: bool


@dataclass(frozen=True, slots=True)
class TelemetrySettings:
    """All of it. Raises InvalidSettingError naming the variable.

    `interval`: between metrics; `span_delay`: between batches of spans. `needs_sdk`: the operator has said something
    to the SDK's own exporters.
    """

    interval: timedelta
    span_delay: timedelta
    metrics: Export
    traces: Export
    trace_ratio: float
    asks_for_deltas: bool
    needs_sdk: bool

    @classmethod
    def read(cls, environ: Mapping[str, str], *, otlp: bool) -> Self:
        """From the environment; `otlp` False or OTEL_SDK_DISABLED=true turn both signals off."""
        off = not otlp or environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
        return cls(
            interval=_milliseconds(environ, *_INTERVAL),
            span_delay=_milliseconds(environ, *_SPAN_DELAY),
            metrics=_export(environ, "METRICS", off=off),
            traces=_export(environ, "TRACES", off=off),
            trace_ratio=0.0 if off else _trace_ratio(environ),
            needs_sdk=_needs_sdk(environ),
            asks_for_deltas=environ.get(_TEMPORALITY, "cumulative").strip().lower() not in ("", "cumulative"),
        )

    @property
    def exports(self) -> bool:
        """Whether anything goes out at all."""
        return any(signal.exporter != "none" for signal in (self.metrics, self.traces))


def _export(environ: Mapping[str, str], signal: Signal, *, off: bool) -> Export:
    exporter = environ.get(f"OTEL_{signal}_EXPORTER", "").strip().lower() or "otlp"
    if exporter not in _EXPORTERS:
        raise InvalidSettingError(f"OTEL_{signal}_EXPORTER: {exporter!r} is not one of {', '.join(_EXPORTERS)}")
    scoped, general = f"OTEL_EXPORTER_OTLP_{signal}_", "OTEL_EXPORTER_OTLP_"
    protocol = environ.get(scoped + "PROTOCOL") or environ.get(general + "PROTOCOL") or "grpc"
    if protocol not in _PROTOCOLS:
        raise InvalidSettingError(f"{general}PROTOCOL: {protocol!r} is not one of grpc, http/protobuf")
    has_endpoint = bool(environ.get(scoped + "ENDPOINT") or environ.get(general + "ENDPOINT"))
    return Export("none" if off else _EXPORTERS[exporter], protocol, has_endpoint)


def _needs_sdk(environ: Mapping[str, str]) -> bool:
    to_console = "console" in (environ.get(f"OTEL_{signal}_EXPORTER", "").strip().lower() for signal in _SIGNALS)
    return to_console or any(value for name, value in environ.items() if name.startswith(_SDK_READS))


def _milliseconds(environ: Mapping[str, str], variable: str, default: str) -> timedelta:
    text = environ.get(variable, "").strip() or default
    if not text.isdigit() or not 100 <= int(text) <= 3_600_000:
        raise InvalidSettingError(f"{variable}: {text!r} is not from 100 to 3600000 (ms)")
    return timedelta(milliseconds=int(text))


def _trace_ratio(environ: Mapping[str, str]) -> float:
    # The parent decides where there is one, by whichever sampler: a trace with holes helps nobody.
    sampler = environ.get("OTEL_TRACES_SAMPLER", "").strip().removeprefix("parentbased_")
    argument = environ.get("OTEL_TRACES_SAMPLER_ARG", "").strip()
    match sampler:
        case "":
            return _DEFAULT_TRACE_RATIO
        case "always_on":
            return 1.0
        case "always_off":
            return 0.0
        case "traceidratio":
            return _ratio(argument or "1.0")
    raise InvalidSettingError(
        f"OTEL_TRACES_SAMPLER: {sampler!r} is not one of always_on, always_off, traceidratio (or parentbased_…)"
    )


def _ratio(text: str) -> float:
    try:
        ratio = float(text)
    except ValueError:
        ratio = -1.0
    if not 0.0 <= ratio <= 1.0:
        raise InvalidSettingError(f"OTEL_TRACES_SAMPLER_ARG: {text!r} is not from 0.0 to 1.0")
    return ratio
