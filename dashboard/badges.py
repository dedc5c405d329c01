"""Health and breaker states as words with a sign and a colour: never colour alone."""

from typing import Any

from dash import html

from dashboard.aria import aria
from dashboard.health import Health, Verdict

SIGNS = {
    Health.HEALTHY: "✓",
    Health.IDLE: "○",
    Health.UNKNOWN: "?",
    Health.DEGRADED: "!",
    Health.FAILING: "×",
}
_BREAKER_SIGNS = {"closed": "✓", "open": "×", "half-open": "½", "unknown": "?"}
_BREAKER_HEALTH = {"closed": "healthy", "open": "failing", "half-open": "degraded", "unknown": "unknown"}


def health_badge(health: Health) -> Any:
    """The state of a service or an edge."""
    return _badge(SIGNS[health], health.value, health.value)


def breaker_badge(state: str) -> Any:
    """closed, open or half-open."""
    return _badge(_BREAKER_SIGNS[state], state, _BREAKER_HEALTH[state])


def sync_badge(problem: str) -> Any:
    """Whether something is as it should be; ``problem`` says why not, "" if it is."""
    return _badge("×", problem, "failing") if problem else _badge("✓", "yes", "healthy")


def reasons_list(verdict: Verdict) -> Any:
    """The findings behind a verdict, worst first, with their numbers."""
    return html.Ul([html.Li([health_badge(r.health), " ", r.text]) for r in verdict.reasons], className="reasons")


def _badge(sign: str, text: str, look: str) -> Any:
    return html.Span([html.Span(sign, className="sign", **aria(hidden="true")), text], className=f"badge is-{look}")
