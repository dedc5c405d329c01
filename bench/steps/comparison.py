"""Counts beside their baseline: what got worse by more than is allowed, and what to do about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

ALLOWED = 1.03  # now over baseline
NOTABLE = 0.97  # below: the baseline should follow, lest what was gained is lost unseen
MEANT = "if it is meant, make bench-baseline and say why in the commit"


class Verdict(Enum):
    """What a ratio comes to."""

    HELD = "held"
    WORSE = "WORSE"
    BETTER = "better"
    NEW = "NOT IN BASELINE"
    GONE = "NOT COUNTED"


@dataclass(frozen=True)
class Row:
    """A scenario's instructions a call, then and now; None where there is no such count."""

    scenario: str
    before: float | None
    now: float | None

    @property
    def ratio(self) -> float | None:
        return self.now / self.before if self.before and self.now is not None else None

    @property
    def verdict(self) -> Verdict:
        if self.before is None:
            return Verdict.NEW
        if self.ratio is None:
            return Verdict.GONE
        if self.ratio > ALLOWED:
            return Verdict.WORSE
        return Verdict.BETTER if self.ratio < NOTABLE else Verdict.HELD


def compared(before: Mapping[str, float], now: Mapping[str, float]) -> list[Row]:
    """Every scenario of either, in the order in which they were counted."""
    names = list(now) + [name for name in before if name not in now]
    return [Row(name, before.get(name), now.get(name)) for name in names]


def failures(rows: Sequence[Row], differences: Sequence[str] = ()) -> list[str]:
    """A line for each row that fails the check. `differences` are other causes that a worse figure may have."""
    return [line for row in rows if (line := _failure(row, differences))]


def hints(rows: Sequence[Row]) -> list[str]:
    """A line for each row whose baseline should follow."""
    better = [row.scenario for row in rows if row.verdict is Verdict.BETTER]
    return (
        [f"better by more than 3 %: {', '.join(better)}; make bench-baseline keeps what was gained"] if better else []
    )


def table(rows: Sequence[Row]) -> str:
    """One line a scenario."""
    lines = [f"{'scenario':<28} {'baseline':>12} {'now':>12} {'ratio':>7}  verdict"]
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.4f}"
        lines.append(
            f"{row.scenario:<28} {_shown(row.before):>12} {_shown(row.now):>12} {ratio:>7}  {row.verdict.value}"
        )
    return "\n".join(lines)


def _failure(row: Row, differences: Sequence[str]) -> str | None:
    if row.verdict is Verdict.NEW:
        return f"{row.scenario} is not in the baseline: make bench-baseline puts it in"
    if row.verdict is Verdict.GONE:
        return f"{row.scenario} is in the baseline and nothing counts it any more: make bench-baseline takes it out"
    if row.verdict is not Verdict.WORSE:
        return None
    other = f"; it may not be the change alone: {'; '.join(differences)}" if differences else ""
    return (
        f"{row.scenario} takes {_shown(row.now)} instructions where the baseline has {_shown(row.before)} "
        f"({row.ratio:.3f}, at most {ALLOWED} is allowed): mend it (--scenario {row.scenario} --functions shows where "
        f"they go), or {MEANT}{other}"
    )


def _shown(figure: float | None) -> str:
    return "" if figure is None else f"{figure:,.1f}"
