"""What `tulle check` finds."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from protos.tulle.v1 import discovery_pb2, registry_pb2, telemetry_pb2
from tulle.checks import (
    Finding,
    Life,
    State,
    check_certificates,
    check_configuration,
    check_data_plane,
    check_environment,
    check_telemetry,
)
from tulle.output import Format
from tulle.service_status import STATUS, summarize

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def failures(findings: Iterable[Finding]) -> list[str]:
    return [finding.what for finding in findings if finding.state is State.FAIL]


def proxy(instance: str, acked: int = 7, nack: discovery_pb2.Nack | None = None) -> discovery_pb2.Proxy:
    identity = f"spiffe://shop.local/shop/{instance.partition('-')[0]}"
    return discovery_pb2.Proxy(
        instance=instance, identity=identity, connected=True, sent_revision=7, acked_revision=acked, nack=nack
    )


@pytest.mark.parametrize(
    ("begins", "ends", "state"),
    [
        (NOW - HOUR, NOW + HOUR, State.OK),
        (NOW - 9 * HOUR, NOW + HOUR, State.FAIL),
        (NOW - 2 * HOUR, NOW - HOUR, State.FAIL),
        (NOW + HOUR, NOW + 2 * HOUR, State.FAIL),
    ],
)
def test_a_certificate_near_or_past_its_end_fails(begins: datetime, ends: datetime, state: State) -> None:
    assert Life("the operator's certificate", begins, ends).finding(NOW, "hint").state is state


def test_a_workloads_certificate_within_the_margin_fails_and_is_named() -> None:
    node = telemetry_pb2.TopologyNode(
        service="shop/payments", certificate_not_after_unix_ms=int((NOW + timedelta(seconds=90)).timestamp() * 1000)
    )
    assert failures(check_certificates([node], NOW, timedelta(minutes=2))) == [
        "certificate of shop/payments ends in 90 s"
    ]
    assert failures(check_certificates([node], NOW, timedelta(minutes=1))) == []


def test_an_old_sqlite_and_a_missing_engine_fail() -> None:
    assert failures(check_environment((3, 51, 2), None)) == ["SQLite 3.51.2", "the engine is not built"]
    assert failures(check_environment((3, 51, 3), "_engine.abi3.so")) == []


def test_a_service_without_a_healthy_instance_fails_and_is_named() -> None:
    reason = "the application at 127.0.0.1:80 answers HTTP/1.1; it must speak HTTP/2 (h2c)"
    unwell = [
        registry_pb2.Instance(id=name, service="shop/payments", unhealthy_reason=reason, starting=True) for name in "ab"
    ]
    (finding,) = [
        found
        for found in check_data_plane([proxy("payments-a")], unwell, ["shop/payments"])
        if found.state is State.FAIL
    ]
    assert finding.what == f"shop/payments has no healthy instance: a: {reason} (and 1 more)"
    assert "spec.healthCheck" in finding.hint


def test_one_healthy_instance_is_enough() -> None:
    instances = [
        registry_pb2.Instance(id=name, service="shop/payments", healthy=healthy)
        for name, healthy in (("a", False), ("b", True))
    ]
    assert failures(check_data_plane([proxy("payments-a")], instances, ["shop/payments"])) == []


def test_a_declared_service_that_nobody_serves_fails_and_one_that_only_calls_does_not() -> None:
    findings = list(check_data_plane([proxy("orders-a")], [], ["shop/orders", "shop/load"]))
    assert failures(findings) == ["shop/load is declared and nobody is there"]


def test_the_status_of_a_service_says_why_an_instance_is_out() -> None:
    reason = "it says NOT_SERVING"
    instances = [
        registry_pb2.Instance(id="a", service="shop/payments", healthy=True),
        registry_pb2.Instance(id="b", service="shop/payments", unhealthy_reason=reason),
    ]
    (row,) = summarize(["shop/payments"], instances, [])
    assert (row.healthy, row.instances, row.why) == (1, 2, "b: it says NOT_SERVING")
    assert STATUS.render([row], Format.TABLE).endswith("b: it says NOT_SERVING")


def test_a_refused_configuration_fails_with_resource_and_detail() -> None:
    nack = discovery_pb2.Nack(revision=7, resource="cluster:shop/payments", detail="no endpoint has a port")
    assert failures(check_configuration([proxy("orders-a", 6, nack)], 3, 7, [])) == [
        "orders-a refuses cluster:shop/payments: no endpoint has a port"
    ]


def test_sidecars_that_report_nothing_fail() -> None:
    assert failures(check_telemetry(telemetry_pb2.Topology(), 3)) == ["no sidecar reports"]
    assert failures(check_telemetry(telemetry_pb2.Topology(), 0)) == []
