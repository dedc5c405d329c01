"""The one judgement of health: numbers in, a state and its reasons out (design: dashboard, "Health").

Faults and client errors are judged as shares of the calls in the window. Under ``FEW_CALLS`` the lower bound of the
Wilson score interval (95 %) stands in for the plain share, so that one fault in three calls is not yet a failing
service (Wilson 1927, doi:10.1080/01621459.1927.10502953); p99 is not judged at all from so few.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from dashboard.wording import percent

FEW_CALLS = 20
_Z95 = 1.959963984540054


class Health(StrEnum):
    """States in the order of ``severity``: what asks for least attention first."""

    IDLE = "idle"
    HEALTHY = "healthy"
    UNKNOWN = "unknown"
    DEGRADED = "degraded"
    FAILING = "failing"

    @property
    def severity(self) -> int:
        """0 for idle up to 4 for failing."""
        return list(Health).index(self)


@dataclass(frozen=True)
class Thresholds:
    """Shares are 0 to 1; certificate_life is what the CA issues (semantics: 1 h)."""

    degraded_faults: float = 0.01
    failing_faults: float = 0.10
    degraded_client_errors: float = 0.10
    failing_client_errors: float = 0.20
    failing_p99_factor: float = 3.0
    degraded_certificate: float = 0.20
    certificate_life: timedelta = timedelta(hours=1)


@dataclass(frozen=True)
class Evidence:
    """What is known about a service or an edge over the window. Zero or None where it does not apply."""

    calls: int = 0
    faults: int = 0
    client_errors: int = 0
    p99_ms: float = 0.0
    p99_target_ms: float = 0.0
    instances: int = 0
    healthy_instances: int = 0
    endpoints: int = 0
    ejected: int = 0
    certificate_not_after: datetime | None = None
    refused_configuration: str = ""
    known: bool = True


@dataclass(frozen=True)
class Reason:
    """One finding: what it says about health, and the sentence with its numbers."""

    health: Health
    text: str


@dataclass(frozen=True)
class Verdict:
    """The worst of the findings; without any, healthy, idle or unknown with one sentence."""

    health: Health
    reasons: tuple[Reason, ...]

    @property
    def why(self) -> str:
        """The first, worst reason."""
        return self.reasons[0].text


def judge(evidence: Evidence, now: datetime, thresholds: Thresholds | None = None) -> Verdict:
    """The health that the evidence shows at ``now``, worst finding first."""
    limits = thresholds or Thresholds()
    found = [
        *_share("faults", evidence.faults, evidence.calls, (limits.degraded_faults, limits.failing_faults)),
        *_share(
            "client errors",
            evidence.client_errors,
            evidence.calls,
            (limits.degraded_client_errors, limits.failing_client_errors),
        ),
        *_latency(evidence, limits),
        *_endpoints(evidence),
        *_certificate(evidence, now, limits),
    ]
    if evidence.refused_configuration:
        found.append(Reason(Health.FAILING, f"configuration refused: {evidence.refused_configuration}"))
    if found:
        found.sort(key=lambda reason: -reason.health.severity)
        return Verdict(found[0].health, tuple(found))
    return _quiet(evidence)


def wilson_lower(hits: int, calls: int) -> float:
    """Lower bound of the 95 % Wilson score interval of hits / calls; 0 without calls."""
    if calls == 0:
        return 0.0
    share, z2 = hits / calls, _Z95 * _Z95
    centre = share + z2 / (2 * calls)
    spread = _Z95 * math.sqrt((share * (1 - share) + z2 / (4 * calls)) / calls)
    return max(0.0, (centre - spread) / (1 + z2 / calls))


def _share(what: str, hits: int, calls: int, limits: tuple[float, float]) -> list[Reason]:
    if hits == 0 or calls == 0:
        return []
    share, note = hits / calls, ""
    if calls < FEW_CALLS:
        share, note = wilson_lower(hits, calls), ", lower Wilson bound because of few calls"
    degraded, failing = limits
    health = Health.FAILING if share >= failing else Health.DEGRADED
    limit = failing if share >= failing else degraded
    if share < degraded:
        return []
    return [Reason(health, f"{what} {percent(share)} ≥ {percent(limit)} ({hits} of {calls} calls{note})")]


def _latency(evidence: Evidence, limits: Thresholds) -> list[Reason]:
    target = evidence.p99_target_ms
    if target <= 0 or evidence.calls < FEW_CALLS or evidence.p99_ms <= target:
        return []
    over = evidence.p99_ms / target
    health = Health.FAILING if over > limits.failing_p99_factor else Health.DEGRADED
    return [Reason(health, f"p99 {evidence.p99_ms:.4g} ms is {over:.1f} × its target of {target:.4g} ms")]


def _endpoints(evidence: Evidence) -> list[Reason]:
    found = []
    if evidence.instances and not evidence.healthy_instances:
        found.append(Reason(Health.FAILING, f"no healthy endpoint (0 of {evidence.instances} instances)"))
    elif evidence.endpoints and evidence.ejected >= evidence.endpoints:
        found.append(Reason(Health.FAILING, f"no healthy endpoint (all {evidence.endpoints} ejected)"))
    elif evidence.ejected:
        found.append(Reason(Health.DEGRADED, f"{evidence.ejected} of {evidence.endpoints} endpoints ejected"))
    return found


def _certificate(evidence: Evidence, now: datetime, limits: Thresholds) -> list[Reason]:
    if evidence.certificate_not_after is None:
        return []
    left = evidence.certificate_not_after - now
    if left <= timedelta():
        return [Reason(Health.FAILING, "a certificate has expired")]
    if left >= limits.certificate_life * limits.degraded_certificate:
        return []
    share = left / limits.certificate_life
    return [Reason(Health.DEGRADED, f"a certificate has {percent(share)} of its life left, under 20 %")]


def _quiet(evidence: Evidence) -> Verdict:
    if evidence.calls:
        calls, faults = evidence.calls, evidence.faults
        return Verdict(Health.HEALTHY, (Reason(Health.HEALTHY, f"{faults} faults in {calls} calls"),))
    if evidence.known:
        return Verdict(Health.IDLE, (Reason(Health.IDLE, "no calls in the window"),))
    return Verdict(Health.UNKNOWN, (Reason(Health.UNKNOWN, "nothing reports telemetry for it"),))
