"""Route rule > GRPCRoute > Service > Mesh, field by field; among equals the older, then by name."""

from datetime import timedelta

import pytest

from control_plane.policy import defaults
from control_plane.policy.policy_set import PolicySet, StoredDocumentError
from control_plane.policy.precedence import default_stack
from control_plane.store.base import Entry
from tests.control_plane.policy.policy_documents import (
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

RULE = "{kind: GRPCRoute, name: payments, sectionName: charge}"
WHOLE_ROUTE = "{kind: GRPCRoute, name: payments}"
SERVICE = "{kind: Service, name: payments}"
MESH = "{kind: Mesh, name: shop}"
CHARGE = route("payments", "[{name: charge, matches: [{method: {service: a.B, method: Charge}}]}]")


def request(target: str, seconds: int, name: str = "p") -> str:
    return traffic(name, f"{{targetRefs: [{target}], timeouts: {{request: {seconds}s}}}}")


def timeout_of(documents: PolicySet, index: int = 0) -> float:
    found = upstream(snapshot(documents, instance("a"))).routes[index].policy
    return found.request_timeout.ToTimedelta().total_seconds()


@pytest.mark.parametrize(("stronger", "weaker"), [(RULE, WHOLE_ROUTE), (WHOLE_ROUTE, SERVICE), (SERVICE, MESH)])
def test_each_rank_beats_the_next_even_when_younger(stronger: str, weaker: str) -> None:
    assert timeout_of(policies(CHARGE, request(weaker, 1, "older"), request(stronger, 2, "younger"))) == 2


def test_a_policy_of_the_mesh_and_the_mesh_document_are_of_equal_rank_so_the_older_holds() -> None:
    document = mesh("{defaults: {timeouts: {request: 1s}}}")
    assert timeout_of(policies(document, request(MESH, 2))) == 1
    assert timeout_of(policies(request(MESH, 2), document)) == 2


def test_among_equals_the_older_holds_then_the_first_by_name() -> None:
    assert timeout_of(policies(request(SERVICE, 1, "z"), request(SERVICE, 2, "a"))) == 1
    same_age = policies(request(SERVICE, 1, "z"), request(SERVICE, 2, "a"))
    twins = PolicySet.of(type(one)(one.document, 5, 5) for one in same_age)
    assert timeout_of(twins) == 2


def test_fields_are_taken_one_by_one_from_different_documents() -> None:
    documents = policies(
        CHARGE,
        mesh("{defaults: {retry: {attempts: 5, backoff: {base: 10ms, max: 90ms}}}}"),
        traffic("s", f"{{targetRefs: [{SERVICE}], retry: {{backoff: {{max: 80ms}}, on: [INTERNAL]}}}}"),
        traffic("r", f"{{targetRefs: [{RULE}], retry: {{attempts: 3}}}}"),
    )
    retry = upstream(snapshot(documents, instance("a"))).routes[0].policy.retry
    assert retry.attempts == 3
    assert list(retry.status_codes) == [13]
    assert retry.backoff_base.ToTimedelta() == timedelta(milliseconds=10)
    assert retry.backoff_max.ToTimedelta() == timedelta(milliseconds=80)
    assert (retry.budget_percent, retry.budget_min_per_second) == (20, 10)


def test_a_rule_without_that_name_is_not_touched() -> None:
    documents = policies(CHARGE, request("{kind: GRPCRoute, name: payments, sectionName: refund}", 2))
    assert timeout_of(documents) == 0


def test_the_default_route_takes_what_holds_for_the_service_and_not_for_the_rule() -> None:
    documents = policies(CHARGE, request(SERVICE, 1, "s"), request(RULE, 2, "r"))
    assert (timeout_of(documents, 0), timeout_of(documents, 1)) == (2, 1)


def test_whoever_speaks_of_retries_gets_one_unless_it_says_otherwise() -> None:
    silent = default_stack(policies(service("payments")), "shop/payments")
    asked = default_stack(
        policies(traffic("p", f"{{targetRefs: [{SERVICE}], retry: {{on: [INTERNAL]}}}}")), "shop/payments"
    )
    assert silent.explain(defaults.ATTEMPTS) == (1, "default")
    assert asked.explain(defaults.ATTEMPTS) == (2, "default")


def test_the_origin_of_a_value_is_the_document_that_gave_it() -> None:
    documents = policies(request(SERVICE, 3, "slow-bank"), mesh("{defaults: {timeouts: {connect: 1s}}}"))
    stack = default_stack(documents, "shop/payments")
    assert stack.explain(defaults.REQUEST_TIMEOUT)[1] == "TrafficPolicy shop/slow-bank"
    assert stack.explain(defaults.CONNECT_TIMEOUT)[1] == "Mesh default/shop"


def test_what_is_kept_per_service_may_be_given_on_a_rule_and_then_holds_for_the_service() -> None:
    breaker = f"{{targetRefs: [{RULE}], circuitBreaker: {{maxRequests: 9}}, outlier: {{consecutiveFailures: 3}}}}"
    found = snapshot(policies(CHARGE, traffic("p", breaker)), instance("a"))
    assert upstream(found).circuit_breaker.max_requests == 9
    assert upstream(found).circuit_breaker.max_pending == 1024
    assert cluster(found, "shop/payments").outlier.consecutive_failures == 3


def test_a_backoff_base_over_another_documents_max_lifts_the_max() -> None:
    documents = policies(
        traffic("a", f"{{targetRefs: [{SERVICE}], retry: {{backoff: {{base: 2s}}}}}}"),
        mesh("{defaults: {retry: {backoff: {max: 1s}}}}"),
    )
    retry = upstream(snapshot(documents, instance("a"))).routes[0].policy.retry
    assert retry.backoff_max.ToTimedelta() == timedelta(seconds=2)


def test_a_stored_document_that_cannot_be_read_is_named_and_never_skipped() -> None:
    entry = Entry("/policy/AccessPolicy/shop/deny", b'{"kind": "AccessPolicy"}', 1, 1)
    with pytest.raises(StoredDocumentError, match="/policy/AccessPolicy/shop/deny holds no document"):
        PolicySet.from_entries([entry])
