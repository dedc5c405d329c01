"""Hysteresis: a health state changes only when two judgements in a row agree on the new one."""

from dataclasses import dataclass, replace

from dashboard.health import Health, Verdict

AGREEMENTS = 2


@dataclass(frozen=True)
class Standing:
    """The state shown, and the one that is knocking at the door.

    Settled(h) => (Settled(h) | Waiting(h, other)); Waiting(h, other) => (Settled(h) | Settled(other) | Waiting).
    """

    shown: Verdict
    candidate: Health | None = None
    agreed: int = 0

    @property
    def health(self) -> Health:
        """The state to show."""
        return self.shown.health


def settle(standing: Standing | None, verdict: Verdict) -> Standing:
    """The standing after one more judgement; the very first counts at once."""
    if standing is None or verdict.health == standing.health:
        return Standing(verdict)
    agreed = standing.agreed + 1 if verdict.health == standing.candidate else 1
    if agreed >= AGREEMENTS:
        return Standing(verdict)
    return replace(standing, candidate=verdict.health, agreed=agreed)
