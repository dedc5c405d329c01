"""What is sent without the SDK is what its exporters would have sent."""

import subprocess
import sys

from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from protos import names
from protos.tulle.v1 import engine_pb2
from sidecar.engine import otlp_metrics, otlp_spans
from sidecar.telemetry import points, spans
from sidecar.telemetry.series import Reading, metrics
from tests.sidecar.readings import INBOUND, SERVICE, inbound, outbound, reading, span

RESOURCE = {"service.namespace": "shop", "service.name": "orders"}
SDK = (Resource(RESOURCE), InstrumentationScope("tulle.sidecar", "0.1.0"))
NOT_AFTER = 1_900_000_000
FACTS = engine_pb2.OtlpFacts(
    service=SERVICE,
    version="0.1.0",
    resource=[engine_pb2.ResourceAttribute(key=key, value=value) for key, value in RESOURCE.items()],
    certificate_not_after_unix=NOT_AFTER,
)
WORDS = st.sampled_from(["", "shop/payments", "spiffe://shop.local/shop/web", "spiffe://a/b", "a=1,b=2", "naïve"])
COUNTS = st.integers(0, 2**40)
HISTOGRAMS = st.dictionaries(st.integers(0, 895), st.integers(1, 2**40), max_size=40).map(
    lambda counts: engine_pb2.Histogram(
        scale=5, index=sorted(counts), count=[counts[i] for i in sorted(counts)], sum_us=7, max_us=3
    )
)
SERIES = st.builds(
    engine_pb2.CallSeries,
    direction=st.sampled_from([1, 2]),
    peer=WORDS,
    cluster=WORDS,
    method=WORDS,
    grpc_status=st.integers(0, 20),
    reason=WORDS,
    count=COUNTS,
    request_bytes=COUNTS,
    response_bytes=COUNTS,
    duration=HISTOGRAMS,
    retries=COUNTS,
    without_deadline=COUNTS,
    start_unix_nano=st.integers(0, 2**62),
    mtls=st.booleans(),
)
COUNTERS = st.builds(
    engine_pb2.Counter, name=st.sampled_from([*names.ENGINE_COUNTERS, "tulle.new"]), label=WORDS, value=COUNTS
)
SPANS = st.builds(
    engine_pb2.Span,
    trace_id=st.binary(min_size=16, max_size=16),
    span_id=st.binary(min_size=8, max_size=8),
    parent_span_id=st.just(b"") | st.binary(min_size=8, max_size=8),
    direction=st.sampled_from([1, 2]),
    attempt=st.booleans(),
    start_unix_nano=st.integers(1, 2**63),
    end_unix_nano=st.integers(1, 2**63),
    method=WORDS,
    peer=WORDS,
    endpoint=WORDS,
    route=WORDS,
    grpc_status=st.integers(0, 20),
    reason=WORDS,
    attempt_number=st.integers(0, 5),
)


def normal(message: Message) -> bytes:
    return message.SerializeToString(deterministic=True)


def metrics_by_sdk(one: Reading) -> bytes:
    covered = points.Covered(one.telemetry.start_unix_nano, one.telemetry.time_unix_nano)
    return normal(encode_metrics(points.metrics_data(metrics(one), covered, *SDK)))


def metrics_sent(one: Reading) -> bytes:
    return normal(ExportMetricsServiceRequest.FromString(otlp_metrics(one.telemetry.SerializeToString(), FACTS)))


def spans_by_sdk(taken: list[engine_pb2.Span]) -> bytes:
    return normal(encode_spans(spans.readable(taken, SERVICE, *SDK)))


def spans_sent(taken: list[engine_pb2.Span]) -> bytes:
    return normal(
        ExportTraceServiceRequest.FromString(otlp_spans(engine_pb2.Telemetry(spans=taken).SerializeToString(), FACTS))
    )


def test_metrics_of_every_kind_are_the_same() -> None:
    one = reading(
        outbound(),
        inbound("spiffe://shop.local/shop/web", 3),
        inbound("", 1),
        endpoints=[
            engine_pb2.EndpointSeries(
                service="shop/payments", endpoint="p-1", state=engine_pb2.BREAKER_STATE_OPEN, ewma_us=1_500
            )
        ],
        services=[engine_pb2.ServiceSeries(service="shop/payments", state=engine_pb2.BREAKER_STATE_CLOSED)],
        counters=[engine_pb2.Counter(name=name, label="idle", value=4) for name in names.ENGINE_COUNTERS],
    )
    assert metrics_sent(one) == metrics_by_sdk(one)


@given(st.lists(SERIES, max_size=6), st.lists(COUNTERS, max_size=6))
def test_any_calls_and_counters_are_the_same(
    calls: list[engine_pb2.CallSeries], counters: list[engine_pb2.Counter]
) -> None:
    one = reading(*calls, counters=counters)
    assert metrics_sent(one) == metrics_by_sdk(one)


def test_spans_of_every_kind_are_the_same() -> None:
    taken = [
        span(),
        span(
            parent_span_id=b"parentid", trace_state="a=1,b=2", attempt=True, attempt_number=2, route="r", endpoint="e"
        ),
        span(grpc_status=14, reason="no_endpoints"),
        span(direction=INBOUND, peer="spiffe://shop.local/shop/web", grpc_status=13),
        span(direction=INBOUND, grpc_status=5),
    ]
    assert spans_sent(taken) == spans_by_sdk(taken)


@given(st.lists(SPANS, min_size=1, max_size=6))
def test_any_spans_are_the_same(taken: list[engine_pb2.Span]) -> None:
    assert spans_sent(taken) == spans_by_sdk(taken)


def test_a_sidecar_that_sends_home_carries_no_opentelemetry() -> None:
    program = (
        "import sys, sidecar.app, sidecar.telemetry.home;"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
