"""Documents and instances become one snapshot a workload, every default filled in."""

from protos.tulle.v1 import registry_pb2, snapshot_pb2
from tests.control_plane.policy.policy_documents import (
    access,
    cluster,
    instance,
    mesh,
    policies,
    route,
    service,
    snapshot,
    traffic,
    upstream,
)

SUBSETS = "{subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}], ports: [{port: 50051}]}"
ALLOW = """
  targetRefs: [{kind: Service, name: orders}]
  action: Allow
  rules: [{from: [{identity: "spiffe://shop.local/shop/web"}], to: [{methods: ["shop.v1.Orders/*"]}]}]
"""
DENY = """
  targetRefs: [{kind: Mesh, name: shop}]
  action: Deny
  rules: [{from: [{identity: "spiffe://shop.local/evil/*"}]}]
"""
SPLIT = """
  - name: charge
    matches: [{method: {service: shop.v1.Payments, method: Charge}}]
    backendRefs: [{name: v1, weight: 90}, {name: v2, weight: 10}]
"""
METHODS = """
  methods:
  - {name: a.B/C, idempotent: true}
  - {name: a.B/D, kind: bidiStreaming}
  - {name: a.B/E, kind: serverStreaming}
"""
ROUND_ROBIN = """
  targetRefs: [{kind: Service, name: payments}]
  loadBalancing: {policy: round_robin}
  retry: {idempotent: true}
"""


def ids(found: snapshot_pb2.Cluster) -> list[str]:
    return [endpoint.id for endpoint in found.endpoints]


def test_with_no_documents_every_registered_service_is_routable_and_nobody_may_call_in() -> None:
    found = snapshot(policies(), instance("b"), instance("a"), instance("c", "bank/ledger"))
    assert found.revision == 7
    assert found.trust_domain == "shop.local"
    assert [one.name for one in found.services] == ["bank/ledger", "shop/payments"]
    assert list(upstream(found).authorities) == ["payments", "payments.shop"]
    assert list(upstream(found, "bank/ledger").authorities) == ["ledger.bank"]
    (only,) = upstream(found).routes
    assert only.name == "default"
    assert list(only.matches) == []
    assert [(one.cluster, one.weight) for one in only.backends] == [("shop/payments", 1)]
    assert not only.policy.HasField("request_timeout")
    assert only.policy.retry.attempts == 1
    assert list(only.policy.retry.status_codes) == [14]
    breaker = upstream(found).circuit_breaker
    assert (breaker.max_connections, breaker.max_pending, breaker.max_requests, breaker.max_retries) == (
        1024,
        1024,
        1024,
        3,
    )
    payments = cluster(found, "shop/payments")
    assert ids(payments) == ["a", "b"]
    assert payments.load_balancing == snapshot_pb2.LOAD_BALANCING_P2C_PEAK_EWMA
    assert payments.outlier.consecutive_failures == 7
    assert payments.outlier.open_base.seconds == 1
    assert payments.outlier.open_max.seconds == 60
    assert (payments.outlier.max_ejected_percent, list(payments.outlier.status_codes)) == (50, [14])
    assert payments.connect_timeout.seconds == 5
    assert [one.weight for one in payments.endpoints] == [1, 1]
    assert found.inbound.identity == "spiffe://shop.local/shop/orders"
    assert not found.inbound.allow_by_default
    assert list(found.inbound.rules) == []


def test_a_split_leads_to_subsets_by_label_and_other_methods_to_the_whole_service() -> None:
    documents = policies(service("payments", SUBSETS), route("payments", SPLIT))
    found = snapshot(documents, instance("a", version="v1"), instance("b", version="v2"), instance("c"))
    split, default = upstream(found).routes
    assert split.name == "payments/charge"
    assert [(match.service, match.method) for match in split.matches] == [("shop.v1.Payments", "Charge")]
    assert [(one.cluster, one.weight) for one in split.backends] == [("shop/payments#v1", 90), ("shop/payments#v2", 10)]
    assert (default.name, list(default.matches)) == ("default", [])
    assert ids(cluster(found, "shop/payments#v1")) == ["a"]
    assert ids(cluster(found, "shop/payments#v2")) == ["b"]
    assert ids(cluster(found, "shop/payments")) == ["a", "b", "c"]


def test_a_backend_that_is_no_subset_is_a_service() -> None:
    documents = policies(
        service("payments"), route("payments", "[{backendRefs: [{name: payments-v2, namespace: next}]}]")
    )
    found = snapshot(documents, instance("x", "next/payments-v2"))
    (only,) = upstream(found).routes
    assert [one.cluster for one in only.backends] == ["next/payments-v2"]
    assert ids(cluster(found, "next/payments-v2")) == ["x"]


def test_the_same_backend_twice_is_one_with_both_weights() -> None:
    documents = policies(route("payments", "[{backendRefs: [{name: a, weight: 2}, {name: a, weight: 3}]}]"))
    found = snapshot(documents, instance("p"))
    assert [(one.cluster, one.weight) for one in upstream(found).routes[0].backends] == [("shop/a", 5)]


def test_declared_ports_are_authorities_as_well() -> None:
    found = snapshot(policies(service("payments", SUBSETS)))
    assert list(upstream(found).authorities) == ["payments", "payments.shop", "payments:50051", "payments.shop:50051"]


def test_a_workload_that_declares_upstreams_learns_of_these_alone() -> None:
    documents = policies(service("orders", "{upstreams: [payments, bank/ledger]}"), service("web"))
    found = snapshot(documents, instance("a"), instance("b", "shop/other"))
    assert [one.name for one in found.services] == ["bank/ledger", "shop/payments"]
    assert [one.name for one in snapshot(documents, workload="shop/web").services] == ["shop/orders", "shop/web"]
    assert list(snapshot(policies(service("orders", "{upstreams: []}")), instance("a")).services) == []


def test_narrower_matches_are_tried_first_whatever_the_order_they_are_written_in() -> None:
    rules = (
        "[{name: all}, {name: service, matches: [{method: {service: a.B}}]}, "
        "{name: header, matches: [{method: {service: a.B, method: C}, headers: [{name: X-User, value: eve}]}]}, "
        "{name: method, matches: [{method: {service: a.B, method: C}}]}]"
    )
    found = upstream(snapshot(policies(route("r", rules)), instance("a")))
    assert [one.name for one in found.routes] == ["r/header", "r/method", "r/service", "r/all"]
    assert [(header.name, header.exact) for header in found.routes[0].matches[0].headers] == [("x-user", "eve")]
    assert list(found.routes[-1].matches) == []


def test_equal_matches_go_to_the_older_route_and_then_to_the_earlier_rule() -> None:
    one = "[{name: a, matches: [{method: {service: a.B}}]}, {name: b, matches: [{method: {service: a.B}}]}]"
    found = upstream(snapshot(policies(route("z", one), route("a", one)), instance("a")))
    assert [route.name for route in found.routes] == ["z/a", "z/b", "a/a", "a/b", "default"]


def test_a_route_of_the_callers_namespace_comes_first_and_only_for_that_namespace() -> None:
    mine = route("mine", "[{name: all, backendRefs: [{name: mock}]}]", namespace="tests")
    documents = policies(route("r", "[{name: all}]"), mine)
    theirs = upstream(snapshot(documents, instance("a"), workload="tests/load"))
    assert [(one.name, one.backends[0].cluster) for one in theirs.routes] == [("mine/all", "tests/mock")]
    assert [one.name for one in upstream(snapshot(documents, instance("a"))).routes] == ["r/all"]


def test_methods_are_told_to_callers_and_to_the_service_itself() -> None:
    documents = policies(service("orders", METHODS))
    inbound = snapshot(documents).inbound.methods
    outbound = upstream(snapshot(documents, workload="shop/web"), "shop/orders").methods
    assert list(inbound) == list(outbound)
    told = [(one.path, one.client_streaming, one.server_streaming, one.idempotent) for one in inbound]
    assert told == [("/a.B/C", False, False, True), ("/a.B/D", True, True, False), ("/a.B/E", False, True, False)]


def test_access_rules_carry_policy_and_index_and_reach_the_right_workload_alone() -> None:
    documents = policies(access("orders-callers", ALLOW), access("no-evil", DENY))
    rules = snapshot(documents).inbound.rules
    assert [(one.policy, one.rule, one.action) for one in rules] == [
        ("shop/orders-callers", 0, snapshot_pb2.ACCESS_ACTION_ALLOW),
        ("shop/no-evil", 0, snapshot_pb2.ACCESS_ACTION_DENY),
    ]
    assert list(rules[0].identities) == ["spiffe://shop.local/shop/web"]
    assert list(rules[0].methods) == ["shop.v1.Orders/*"]
    assert list(rules[1].methods) == []
    assert [one.policy for one in snapshot(documents, workload="shop/web").inbound.rules] == ["shop/no-evil"]
    assert [one.policy for one in snapshot(documents, workload="bank/orders").inbound.rules] == ["shop/no-evil"]


def test_open_mode_allows_by_default_until_an_access_policy_targets_the_service() -> None:
    opened = mesh("{mode: open}")
    assert snapshot(policies(opened)).inbound.allow_by_default
    assert not snapshot(policies(mesh("{mode: strict}"))).inbound.allow_by_default
    guarded = policies(opened, access("orders-callers", ALLOW))
    assert not snapshot(guarded).inbound.allow_by_default
    assert snapshot(guarded, workload="shop/web").inbound.allow_by_default


def test_of_two_meshes_the_older_holds() -> None:
    younger = mesh("{mode: open}").replace("name: shop", "name: second")
    assert not snapshot(policies(mesh("{mode: strict}"), younger)).inbound.allow_by_default


def test_an_endpoint_without_identity_is_left_out_unless_the_mesh_permits_plaintext() -> None:
    bare = registry_pb2.Instance(id="bare", service="shop/payments", address="127.0.0.1", port=1, healthy=True)
    assert ids(cluster(snapshot(policies(), bare, instance("a")), "shop/payments")) == ["a"]
    permitted = policies(mesh("{plaintext: [shop/payments]}"))
    assert ids(cluster(snapshot(permitted, bare, instance("a")), "shop/payments")) == ["a", "bare"]


def test_unhealthy_instances_are_there_and_marked() -> None:
    sick = instance("sick")
    sick.healthy = False
    assert [one.healthy for one in cluster(snapshot(policies(), sick), "shop/payments").endpoints] == [False]


def test_load_balancing_and_idempotence_come_from_traffic_policy() -> None:
    found = snapshot(policies(traffic("p", ROUND_ROBIN)), instance("a"))
    assert cluster(found, "shop/payments").load_balancing == snapshot_pb2.LOAD_BALANCING_ROUND_ROBIN
    assert upstream(found).routes[0].policy.idempotent


def test_the_same_input_in_any_order_gives_the_same_bytes() -> None:
    documents = policies(service("payments", SUBSETS), route("payments", SPLIT), mesh("{}"), access("a", ALLOW))
    some = [instance("a", version="v1"), instance("b", version="v2", zone="x"), instance("c")]
    first, second = (
        snapshot(documents, *some),
        snapshot(type(documents).of(reversed(documents.documents)), *reversed(some)),
    )
    assert first.SerializeToString(deterministic=True) == second.SerializeToString(deterministic=True)


def test_what_a_service_declares_as_streaming_is_told_to_the_telemetry() -> None:
    declared = policies(service("payments", METHODS), service("orders", "{}"))
    assert declared.streams == {"shop/payments": {"a.B/D", "a.B/E"}}


def test_a_cluster_without_endpoints_says_why() -> None:
    documents = policies(service("payments", SUBSETS), route("payments", SPLIT), service("ledger"))
    first, second = instance("a", version="v1"), instance("b", version="v1")
    for one in (first, second):
        one.healthy, one.starting, one.unhealthy_reason = False, True, f"nothing listens beside {one.id}"
    found = snapshot(documents, first, second)
    told = "2 are registered, but no application is healthy: a: nothing listens beside a"
    assert cluster(found, "shop/payments").why_empty == told
    assert cluster(found, "shop/payments#v1").why_empty == told
    assert (
        cluster(found, "shop/payments#v2").why_empty == "no registered instance carries the subset's labels version=v2"
    )
    assert cluster(found, "shop/ledger").why_empty == (
        "no instance is registered; start one with 'tulle run', or correct the name"
    )
    one_left = cluster(snapshot(documents, first), "shop/payments")
    assert one_left.why_empty == "registered, but its application is not healthy: nothing listens beside a"


def test_an_instance_that_was_never_healthy_is_no_endpoint_whatever_the_others_are() -> None:
    failing, starting = instance("a"), instance("b")
    failing.healthy = False
    starting.healthy, starting.starting = False, True
    found = cluster(snapshot(policies(), failing, starting), "shop/payments")
    assert (ids(found), found.why_empty) == (["a"], "")


def test_how_a_services_health_is_asked_reaches_its_own_sidecars_alone() -> None:
    spec = """{healthCheck: {kind: grpc, service: shop.v1.Payments, interval: 3s, timeout: 250ms, failures: 4,
      successes: 2, metadata: {authorization: Bearer x}}}"""
    documents = policies(service("payments", spec))
    sent = snapshot(documents, workload="shop/payments").inbound.health_check
    assert (sent.kind, sent.service) == (snapshot_pb2.HEALTH_CHECK_KIND_GRPC, "shop.v1.Payments")
    assert (sent.interval.seconds, sent.timeout.nanos) == (3, 250_000_000)
    assert (sent.failures, sent.successes, dict(sent.metadata)) == (4, 2, {"authorization": "Bearer x"})
    assert not snapshot(documents, workload="shop/orders").inbound.HasField("health_check")
    # Unquoted: what YAML 1.1 would take for false.
    off = policies(service("payments", "{healthCheck: {kind: off}}"))
    assert snapshot(off, workload="shop/payments").inbound.health_check.kind == snapshot_pb2.HEALTH_CHECK_KIND_OFF
