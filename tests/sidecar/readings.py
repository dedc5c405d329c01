"""A drain of an engine, as tests want it."""

from protos.tulle.v1 import engine_pb2
from sidecar.telemetry.series import Reading

SERVICE = "shop/orders"
OUTBOUND, INBOUND = engine_pb2.DIRECTION_OUTBOUND, engine_pb2.DIRECTION_INBOUND


def durations(*counts: int) -> engine_pb2.Histogram:
    """Counts in the buckets of 100, 101, … microseconds (scale 7 has one each)."""
    index = [100 + place for place in range(len(counts))]
    return engine_pb2.Histogram(scale=7, index=index, count=counts, sum_us=1_000, max_us=index[-1])


def outbound(**changed: object) -> engine_pb2.CallSeries:
    series = engine_pb2.CallSeries(
        direction=OUTBOUND,
        peer="shop/payments",
        cluster="shop/payments#v2",
        method="shop.v1.Payments/Charge",
        grpc_status=14,
        reason="no_endpoints",
        count=3,
        request_bytes=300,
        response_bytes=30,
        retries=2,
        duration=durations(2, 1),
        mtls=True,
    )
    for field, value in changed.items():
        setattr(series, field, value)
    return series


def inbound(caller: str, count: int = 1) -> engine_pb2.CallSeries:
    return engine_pb2.CallSeries(
        direction=INBOUND,
        peer=caller,
        method="shop.v1.Orders/Place",
        count=count,
        request_bytes=10 * count,
        duration=durations(count),
        mtls=bool(caller),
    )


def span(**changed: object) -> engine_pb2.Span:
    made = engine_pb2.Span(
        trace_id=bytes(range(16)),
        span_id=bytes(range(8)),
        direction=OUTBOUND,
        start_unix_nano=1_000,
        end_unix_nano=2_000,
        method="shop.v1.Payments/Charge",
        peer="shop/payments",
    )
    for field, value in changed.items():
        setattr(made, field, value)
    return made


def reading(*calls: engine_pb2.CallSeries, **rest: object) -> Reading:
    telemetry = engine_pb2.Telemetry(start_unix_nano=10, time_unix_nano=20, snapshot_revision=7, calls=calls)
    for field, value in rest.items():
        getattr(telemetry, field).extend(value)
    return Reading(telemetry, SERVICE, certificate_not_after=1_900_000_000)
