"""/metrics: the table of `series` in Prometheus' text format, by prometheus-client."""

from collections.abc import Iterator, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from sidecar.telemetry.histogram import A66_LATENCY_SECONDS, US_A_SECOND, cumulative
from sidecar.telemetry.series import Attributes, Kind, Metric

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
# UCUM -> what OpenMetrics appends; annotations ("{call}") and "1" append nothing.
_UNIT_SUFFIXES: Final = {"s": "_seconds", "By": "_bytes"}


class _Table(Collector):
    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Family]:
        for metric in self._metrics:
            yield _family(metric)


def render(metrics: Sequence[Metric]) -> bytes:
    """The exposition of `metrics`."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Table(metrics))
    return generate_latest(registry)


def exposed_name(metric: Metric) -> str:
    """The name in the exposition, without `_total`: dots as underscores, then the unit."""
    return metric.name.replace(".", "_") + _UNIT_SUFFIXES.get(metric.unit, "")


def _family(metric: Metric) -> Family:
    keys = sorted({key for attributes, _ in metric.points for key in attributes})
    labels = [key.replace(".", "_") for key in keys]
    name = exposed_name(metric)
    if metric.kind is Kind.HISTOGRAM:
        return _histogram(metric, HistogramMetricFamily(name, metric.name, labels=labels), keys)
    kind = CounterMetricFamily if metric.kind is Kind.SUM else GaugeMetricFamily
    family = kind(name, metric.name, labels=labels)
    for attributes, value in metric.points:
        if isinstance(value, int | float):
            family.add_metric(_values(attributes, keys), value)
    return family


def _histogram(metric: Metric, family: HistogramMetricFamily, keys: Sequence[str]) -> Family:
    bounds = [*(f"{bound:g}" for bound in A66_LATENCY_SECONDS), "+Inf"]
    for attributes, value in metric.points:
        if isinstance(value, int | float):
            continue
        counts = cumulative(value, A66_LATENCY_SECONDS)
        buckets = [(bound, float(count)) for bound, count in zip(bounds, counts, strict=True)]
        family.add_metric(_values(attributes, keys), buckets, value.sum_us / US_A_SECOND)
    return family


def _values(attributes: Attributes, keys: Sequence[str]) -> list[str]:
    return [_text(attributes.get(key, "")) for key in keys]


def _text(value: str | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else value
