"""What the engine's telemetry means in OpenTelemetry's and Prometheus' words."""

from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from prometheus_client.parser import text_string_to_metric_families

from protos import names
from protos.tulle.v1 import engine_pb2
from sidecar.telemetry import prometheus
from sidecar.telemetry.series import Metric, Reading, metrics, status_name, workload
from tests.sidecar.readings import inbound, outbound, reading

ORDERS = "spiffe://shop.local/shop/orders"
ENDPOINT = engine_pb2.EndpointSeries(
    service="shop/payments",
    cluster="shop/payments",
    endpoint="payments-1",
    address="127.0.0.1:9",
    state=engine_pb2.BREAKER_STATE_OPEN,
    consecutive_failures=7,
    ewma_us=1_500,
    ejections=2,
    open_remaining=Duration(seconds=1, nanos=500_000_000),
)


def named(one: Reading, name: str) -> Metric:
    (found,) = [metric for metric in metrics(one) if metric.name == name]
    return found


def exposed(one: Reading) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    text = prometheus.render(metrics(one)).decode()
    samples: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return samples


def test_an_outbound_call_names_both_ends_cluster_status_and_reason() -> None:
    ((attributes, _),) = named(reading(outbound()), names.CLIENT_CALL_DURATION).points
    assert attributes == {
        names.RPC_METHOD: "shop.v1.Payments/Charge",
        names.RPC_STATUS: "UNAVAILABLE",
        names.SOURCE: "shop/orders",
        names.TARGET: "shop/payments",
        names.CLUSTER: "shop/payments#v2",
        names.REASON: "no_endpoints",
        names.MTLS: True,
    }


def test_an_inbound_call_names_its_caller_by_the_identity_it_proved() -> None:
    ((attributes, _),) = named(reading(inbound("spiffe://shop.local/shop/web")), names.SERVER_CALL_DURATION).points
    assert (attributes[names.SOURCE], attributes[names.TARGET]) == ("shop/web", "shop/orders")
    assert names.REASON not in attributes
    assert names.CLUSTER not in attributes


@pytest.mark.parametrize("caller", ["", "spiffe://shop.local/x", "spiffe://shop.local/a/b/c", "shop/web"])
def test_whoever_is_no_workload_is_external(caller: str) -> None:
    assert workload(caller) == "external"


def test_outbound_calls_that_nothing_bounds_in_time_are_counted_and_others_have_no_point() -> None:
    bounded = outbound(method="shop.v1.Payments/Refund")
    ((attributes, value),) = named(reading(outbound(without_deadline=2), bounded), names.WITHOUT_DEADLINE).points
    assert (attributes[names.RPC_METHOD], value) == ("shop.v1.Payments/Charge", 2)


def test_a_series_of_calls_counts_from_its_own_start() -> None:
    one = reading(outbound(start_unix_nano=700))
    for name in (names.CLIENT_CALL_DURATION, names.REQUEST_BYTES, names.RETRIES):
        assert named(one, name).starts == [700]


def test_callers_that_are_external_are_one_point() -> None:
    metric = named(reading(inbound("", 1), inbound("spiffe://shop.local/x", 2)), names.REQUEST_BYTES)
    assert sorted(str(value) for _, value in metric.points) == ["10", "20"], "mtls tells these two apart"
    one = reading(inbound("spiffe://shop.local/x", 1), inbound("spiffe://shop.local/y", 2))
    ((_, value),) = named(one, names.REQUEST_BYTES).points
    assert value == 30
    ((_, duration),) = named(one, names.SERVER_CALL_DURATION).points
    assert isinstance(duration, engine_pb2.Histogram)
    assert list(duration.count) == [3]


def test_a_status_that_grpc_does_not_know_is_unknown() -> None:
    assert (status_name(0), status_name(16), status_name(99)) == ("OK", "UNAUTHENTICATED", "UNKNOWN")


def test_an_endpoints_breaker_is_seen() -> None:
    one = reading(endpoints=[ENDPOINT])
    attributes = {names.TARGET: "shop/payments", names.CLUSTER: "shop/payments", names.ENDPOINT: "payments-1"}
    expected: dict[str, Any] = {
        names.ENDPOINT_STATE: 2,
        names.ENDPOINT_EJECTIONS: 2,
        names.ENDPOINT_CONSECUTIVE_FAILURES: 7,
        names.ENDPOINT_EWMA: 0.0015,
        names.ENDPOINT_OPEN_REMAINING: 1.5,
    }
    assert {name: named(one, name).points for name in expected} == {
        name: [(attributes, value)] for name, value in expected.items()
    }


def test_what_must_stay_0_is_there_from_the_start() -> None:
    assert named(reading(), names.BROKEN_BY_MESH).points == [({}, 0)]


def test_counters_of_the_engine_get_their_label() -> None:
    counter = engine_pb2.Counter(name=names.BROKEN_BY_MESH, label="panic", value=1)
    assert named(reading(counters=[counter]), names.BROKEN_BY_MESH).points == [({"reason": "panic"}, 1)]


def test_revision_and_certificate_are_gauges() -> None:
    assert named(reading(), names.CONFIG_REVISION).points == [({}, 7)]
    assert named(reading(), names.CERT_EXPIRY).points == [({}, 1_900_000_000)]


def test_the_exposition_has_units_totals_and_a66_buckets() -> None:
    samples = exposed(reading(outbound(), endpoints=[ENDPOINT]))
    assert {
        "rpc_client_call_duration_seconds_bucket",
        "rpc_client_call_duration_seconds_sum",
        "rpc_client_call_duration_seconds_count",
        "tulle_call_request_size_bytes_total",
        "tulle_call_retries_total",
        "tulle_endpoint_breaker_state",
        "tulle_endpoint_latency_ewma_seconds",
        "tulle_cert_expiry_timestamp_seconds",
        "tulle_config_revision",
        "tulle_rpcs_broken_by_mesh_total",
    } <= set(samples)
    assert list(samples["rpc_client_call_duration_seconds_count"].values()) == [3]
    (labels,) = samples["tulle_call_retries_total"]
    assert dict(labels)["tulle_mtls"] == "true"
    assert not [key for key, _ in labels if "address" in key]


def test_every_exposed_series_is_unique() -> None:
    calls = [outbound(), outbound(mtls=False), outbound(reason=""), inbound("spiffe://shop.local/shop/web")]
    text = prometheus.render(metrics(reading(*calls))).decode()
    series = [line.rpartition(" ")[0] for line in text.splitlines() if not line.startswith("#")]
    assert len(series) == len(set(series))


def test_panics_are_exposed_under_the_name_that_operators_watch() -> None:
    one = reading()
    one.telemetry.counters.append(engine_pb2.Counter(name=names.ENGINE_PANICS, value=2))
    assert exposed(one)["tulle_engine_panics_total"] == {(): 2.0}
