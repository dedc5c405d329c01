"""Every bad document gets one clear line a problem: file, line, field, cause, remedy."""

import pytest

from control_plane.policy.load import Source, load
from control_plane.policy.problem import InvalidDocumentsError
from tests.control_plane.policy.policy_documents import complaints, mesh, route, service, traffic

BAD_POLICY = """\
apiVersion: tulle.dev/v1
kind: TrafficPolicy
metadata: {name: payments-charge, namespace: shop}
spec:
  targetRefs: [{kind: GRPCRoute, name: payments, sectionName: charge}]
  mode: Shadow
  timeouts: {request: 2x, perTry: 600ms}
  retry:
    attempts: 9
    on: [UNAVAILABLE, RESOURCE_EXHAUSTD]
    backof: {base: 25ms}
    budget: {percent: "20"}
  loadBalancing: {policy: maglev}
  outlier: {consecutiveFailures: yes}
  rateLimit: {requests: 500, per: 1s}
"""


def test_every_problem_of_a_document_is_named_with_its_line_and_remedy() -> None:
    codes = "CANCELLED, DEADLINE_EXCEEDED, INTERNAL, RESOURCE_EXHAUSTED, UNAVAILABLE"
    assert complaints(BAD_POLICY) == [
        "a.yaml:6: spec.mode: mode Shadow is not supported yet (write 'mode: Enforce' or leave it out)",
        "a.yaml:7: spec.timeouts.request: '2x' is not a duration (write it like 250ms, 2s or 1m30s)",
        "a.yaml:9: spec.retry.attempts: 9 is over the maximum of 5 (use 5 or less)",
        f"a.yaml:10: spec.retry.on[1]: 'RESOURCE_EXHAUSTD' is not one of {codes} (did you mean 'RESOURCE_EXHAUSTED'?)",
        "a.yaml:11: spec.retry.backof: unknown field 'backof' (did you mean 'backoff'?)",
        "a.yaml:12: spec.retry.budget.percent: '20' is text where a whole number is expected "
        "(write digits, without quotes)",
        "a.yaml:13: spec.loadBalancing.policy: policy 'maglev' is not supported yet (use p2c or round_robin)",
        "a.yaml:14: spec.outlier.consecutiveFailures: 'yes' is text where a whole number is expected "
        "(write digits, without quotes)",
        "a.yaml:15: spec.rateLimit: 'rateLimit' (rate limits) is not supported yet (leave it out)",
    ]


MOVED = """
apiVersion: tulle.dev/v1
kind: TrafficPolicy
metadata: {name: breaker, namespace: shop}
spec:
  targetRefs: [{kind: Service, name: payments}]
  circuitBreaker:
    maxRequests: 9
    consecutiveFailures: 5
    ejection: {base: 1s}
  breaker: {ratio: 50%}
  outlier: {maxEjected: 50, on: [NOT_FOUND], successRate: {}}
"""


def test_what_has_moved_to_outlier_is_told_where_and_what_is_still_to_come_is_named() -> None:
    codes = "UNKNOWN, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, INTERNAL, UNAVAILABLE, DATA_LOSS"
    remedy = "(write it under 'outlier:', beside 'circuitBreaker:')"
    assert complaints(MOVED) == [
        "a.yaml:9: spec.circuitBreaker.consecutiveFailures: 'consecutiveFailures' has moved from 'circuitBreaker' "
        f"to 'outlier' {remedy}",
        f"a.yaml:10: spec.circuitBreaker.ejection: 'ejection' has moved from 'circuitBreaker' to 'outlier' {remedy}",
        "a.yaml:11: spec.breaker: 'breaker' (the breaker of a service, by its share of faults) is not supported yet "
        "(leave it out)",
        "a.yaml:12: spec.outlier.maxEjected: 50 is not a percentage (write it like 50%, from 0% to 100%)",
        f"a.yaml:12: spec.outlier.on[0]: 'NOT_FOUND' is not one of {codes} "
        f"(known here: {', '.join(sorted(codes.split(', ')))})",
        "a.yaml:12: spec.outlier.successRate: 'successRate' (ejection by success rate) is not supported yet "
        "(leave it out)",
    ]


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ("[1, 2]", "a.yaml:1: the document is not a mapping (begin with 'apiVersion:' and 'kind:')"),
        ("kind: Servic", "a.yaml:1: kind: 'Servic' is no kind of document (did you mean 'Service'?)"),
        (
            "\nkind: Gateway",
            "a.yaml:2: kind: kind 'Gateway' is not supported yet "
            "(one of Mesh, Service, GRPCRoute, TrafficPolicy, AccessPolicy)",
        ),
        (
            service("Pay"),
            "a.yaml:3: metadata.name: 'Pay' is not a name (lower-case letters, digits and '-', at most 63",
        ),
        (
            service("a", "{healthCheck: {kind: http}}"),
            "a.yaml:4: spec.healthCheck.kind: 'http' is not one of grpc, tcp, off",
        ),
        (
            service("a", "{healthCheck: {metadata: {Grpc-X: a}}}"),
            "a.yaml:4: spec.healthCheck.metadata.Grpc-X: 'Grpc-X' is not a metadata name (lower-case letters",
        ),
        (
            service("a", '{healthCheck: {metadata: {token: "a\\nb"}}}'),
            "a.yaml:4: spec.healthCheck.metadata.token: 'a\\nb' is not a metadata value (1 to 512 visible ASCII",
        ),
        (service("a", "{protocol: tcp}"), "a.yaml:4: spec.protocol: protocol 'tcp' is not supported yet (use grpc)"),
        (service("a", "{protos: [a.proto]}"), "a.yaml:4: spec.protos: 'protos' arrived unexpanded: the control plane"),
        (
            service("a", "{methods: [{name: /a.B/C}]}"),
            "a.yaml:4: spec.methods[0].name: '/a.B/C' is not a method (write",
        ),
        (
            service("a", "{subsets: [{name: x, labels: {version: 1}}]}"),
            'a.yaml:4: spec.subsets[0].labels.version: 1 is a number where text is expected (quote it: "1")',
        ),
        (service("a", "{ports: [{port: 0}]}"), "a.yaml:4: spec.ports[0].port: 0 is under the minimum of 1"),
        (mesh("{mode: Open}"), "a.yaml:4: spec.mode: 'Open' is not one of strict, open (did you mean 'open'?)"),
        (traffic("a", "{targetRefs: []}"), "a.yaml:4: spec.targetRefs: is empty (give at least one value"),
        (traffic("a", "{}"), "a.yaml:4: spec.targetRefs: is required and missing (add 'targetRefs')"),
        (
            traffic("a", "{targetRefs: [{kind: Mesh, name: m}], timeouts: {request: 1s, perTry: 2s}}"),
            "a.yaml:4: spec.timeouts: perTry is longer than request (make perTry the shorter)",
        ),
        (
            route("r", "[{backendRefs: [{name: a, weight: 0}]}]"),
            "a.yaml:6: spec.rules[0]: every backend has weight 0 (give one a weight over 0)",
        ),
        (
            route("r", "[{matches: [{method: {}}]}]"),
            "a.yaml:6: spec.rules[0].matches[0].method: neither service nor method",
        ),
        (
            route("r", "[{filters: [{type: RequestMirror}]}]"),
            "a.yaml:6: spec.rules[0].filters: 'filters' (filters of routes and backends) is not supported yet",
        ),
        (
            service("a").replace("namespace: shop", "namespace: tulle"),
            "a.yaml:3: metadata.namespace: namespace 'tulle' is reserved for the mesh itself (use another namespace)",
        ),
        (
            service("a").replace("tulle.dev/v1", "v1"),
            "a.yaml:1: apiVersion: 'v1' is not one of tulle.dev/v1 (use 'tulle.dev/v1')",
        ),
    ],
)
def test_a_bad_document_is_refused_in_one_line(document: str, complaint: str) -> None:
    found = complaints(document)
    assert len(found) == 1
    assert found[0].startswith(complaint)


def test_a_document_given_twice_names_both_places() -> None:
    twice = f"{service('a')}---\n{service('a')}"
    assert complaints(twice) == [
        "a.yaml:8: metadata.name: Service shop/a is given twice, first in a.yaml:1 "
        "(leave one of them out, or rename it)"
    ]


def test_problems_of_all_files_come_at_once_and_good_documents_do_not_hide_them() -> None:
    with pytest.raises(InvalidDocumentsError) as caught:
        load([Source("b.yaml", "kind: X"), Source("a.yaml", "kind: Y"), Source("c.yaml", service("good"))])
    assert [problem.file for problem in caught.value.problems] == ["a.yaml", "b.yaml"]
    assert [problem.file for problem in caught.value.detail().problems] == ["a.yaml", "b.yaml"]


def test_several_documents_a_file_keep_their_own_lines() -> None:
    found = load([Source("a.yaml", f"---\n{service('a')}---\n---\n{service('b')}")])
    assert [(one.document.metadata.name, one.node.line) for one in found] == [("a", 2), ("b", 8)]


def test_the_example_of_the_design_is_taken_as_it_is_but_for_what_comes_later() -> None:
    good = (
        BAD_POLICY.replace("Shadow", "Enforce").replace("2x", "2s").replace("9", "3").replace("EXHAUSTD", "EXHAUSTED")
    )
    good = good.replace("backof:", "backoff:").replace('"20"', "20").replace("maglev", "p2c").replace("yes", "7")
    good = good.replace("  rateLimit: {requests: 500, per: 1s}\n", "")
    assert complaints(good) == []
