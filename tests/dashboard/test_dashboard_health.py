"""The judgement of health: each rule, its number in the reason, and that two judgements change a state."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.health import Evidence, Health, judge, wilson_lower
from dashboard.steady import settle

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MANY = Evidence(calls=1000, instances=2, healthy_instances=2, endpoints=2)


@pytest.mark.parametrize(
    ("evidence", "health", "said"),
    [
        (MANY, Health.HEALTHY, "0 faults in 1000 calls"),
        (replace(MANY, faults=9), Health.HEALTHY, "9 faults in 1000 calls"),
        (replace(MANY, faults=10), Health.DEGRADED, "faults 1 % ≥ 1 % (10 of 1000 calls)"),
        (replace(MANY, faults=99), Health.DEGRADED, "faults 9.9 % ≥ 1 %"),
        (replace(MANY, faults=100), Health.FAILING, "faults 10 % ≥ 10 %"),
        (replace(MANY, client_errors=99), Health.HEALTHY, "0 faults"),
        (replace(MANY, client_errors=100), Health.DEGRADED, "client errors 10 % ≥ 10 %"),
        (replace(MANY, client_errors=200), Health.FAILING, "client errors 20 % ≥ 20 %"),
        (replace(MANY, p99_ms=50, p99_target_ms=50), Health.HEALTHY, "0 faults"),
        (replace(MANY, p99_ms=51, p99_target_ms=50), Health.DEGRADED, "its target of 50 ms"),
        (replace(MANY, p99_ms=150, p99_target_ms=50), Health.DEGRADED, "3.0 × its target"),
        (replace(MANY, p99_ms=151, p99_target_ms=50), Health.FAILING, "its target of 50 ms"),
        (replace(MANY, ejected=1), Health.DEGRADED, "1 of 2 endpoints ejected"),
        (replace(MANY, ejected=2), Health.FAILING, "all 2 ejected"),
        (replace(MANY, healthy_instances=0), Health.FAILING, "0 of 2 instances"),
        (replace(MANY, certificate_not_after=NOW + timedelta(minutes=12)), Health.HEALTHY, "0 faults"),
        (replace(MANY, certificate_not_after=NOW + timedelta(minutes=11)), Health.DEGRADED, "of its life left"),
        (replace(MANY, certificate_not_after=NOW), Health.FAILING, "a certificate has expired"),
        (replace(MANY, refused_configuration="orders-1: no"), Health.FAILING, "configuration refused: orders-1: no"),
        (Evidence(instances=1, healthy_instances=1), Health.IDLE, "no calls in the window"),
        (Evidence(known=False), Health.UNKNOWN, "nothing reports telemetry"),
    ],
)
def test_each_rule_gives_its_state_and_says_why(evidence: Evidence, health: Health, said: str) -> None:
    verdict = judge(evidence, NOW)

    assert verdict.health is health
    assert said in verdict.why


def test_of_few_calls_the_lower_wilson_bound_judges() -> None:
    one_in_three = judge(Evidence(calls=3, faults=1), NOW)
    all_three = judge(Evidence(calls=3, faults=3), NOW)

    assert one_in_three.health is Health.DEGRADED
    assert "lower Wilson bound" in one_in_three.why
    assert all_three.health is Health.FAILING
    assert judge(Evidence(calls=20, faults=2), NOW).why == "faults 10 % ≥ 10 % (2 of 20 calls)"


def test_p99_of_few_calls_is_not_judged() -> None:
    assert judge(Evidence(calls=19, p99_ms=900, p99_target_ms=10), NOW).health is Health.HEALTHY


def test_the_wilson_bound_matches_published_values() -> None:
    # Wilson 95 % lower bounds as in Newcombe 1998 (doi:10.1002/(SICI)1097-0258(19980430)17:8<857), table I.
    assert wilson_lower(81, 263) == pytest.approx(0.2553, abs=5e-5)
    assert wilson_lower(15, 148) == pytest.approx(0.0624, abs=5e-5)
    assert wilson_lower(0, 20) == 0.0
    assert wilson_lower(1, 29) == pytest.approx(0.0061, abs=5e-5)
    assert wilson_lower(0, 0) == 0.0


def test_the_worst_reason_comes_first_and_the_others_follow() -> None:
    verdict = judge(replace(MANY, faults=20, client_errors=300, ejected=1), NOW)

    assert [reason.health for reason in verdict.reasons] == [Health.FAILING, Health.DEGRADED, Health.DEGRADED]


def test_a_state_changes_only_when_two_judgements_in_a_row_agree() -> None:
    good, bad, worse = (judge(replace(MANY, faults=n), NOW) for n in (0, 20, 200))

    standing = settle(None, good)
    standing = settle(standing, bad)
    assert standing.health is Health.HEALTHY
    standing = settle(standing, worse)
    assert standing.health is Health.HEALTHY
    standing = settle(standing, worse)
    assert standing.health is Health.FAILING
    standing = settle(settle(standing, good), worse)
    assert standing.health is Health.FAILING
    assert settle(settle(standing, good), good).health is Health.HEALTHY
