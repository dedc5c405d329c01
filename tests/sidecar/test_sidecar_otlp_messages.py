"""What is sent without the SDK is what its exporters would have sent."""

import subprocess
import sys

from google.protobuf.message import Message
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope as WireScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource as WireResource
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from protos.tulle.v1 import engine_pb2
from sidecar.telemetry import points, spans
from sidecar.telemetry.otlp_messages import key_values, metrics_request, spans_request
from sidecar.telemetry.series import metrics
from tests.sidecar.readings import INBOUND, SERVICE, inbound, outbound, reading, span

FACTS = {"service.namespace": "shop", "service.name": "orders"}
SDK = (Resource(FACTS), InstrumentationScope("tulle.sidecar", "0.1.0"))
WIRE = (WireResource(attributes=key_values(FACTS)), WireScope(name="tulle.sidecar", version="0.1.0"))


def normal(message: Message) -> bytes:
    return message.SerializeToString(deterministic=True)


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
        counters=[engine_pb2.Counter(name="tulle.connections.closed", label="idle", value=4)],
    )
    covered = points.Covered(one.telemetry.start_unix_nano, one.telemetry.time_unix_nano)
    by_sdk = encode_metrics(points.metrics_data(metrics(one), covered, *SDK))
    assert normal(metrics_request(one, *WIRE)) == normal(by_sdk)


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
    by_sdk = encode_spans(spans.readable(taken, SERVICE, *SDK))
    assert normal(spans_request(taken, SERVICE, *WIRE)) == normal(by_sdk)


def test_a_sidecar_that_sends_home_carries_no_sdk() -> None:
    program = (
        "import sys, sidecar.app, sidecar.telemetry.home;"
        "print([name for name in sys.modules if name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter'))])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
