"""An outcome as a table and as a file."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tests.soak.soak import Outcome


def table(outcome: Outcome) -> str:
    """Sidecars, faults, calls by ending, and what failed."""
    lines = [f"{'sidecar':<18} {'calls':>9} {'MiB/100k':>9} {'growth':>8} {'RSS MiB':>8} {'fds':>9} broken panics"]
    for row in outcome.rows:
        fds = f"{row.descriptors_before}->{row.descriptors_after}"
        grown = f"{row.growth.per_100k:>9.3f} {row.growth.over_all:>8.2f} {row.resident:>8.1f}"
        lines.append(f"{row.name:<18} {row.growth.calls:>9.0f} {grown} {fds:>9} {row.broken:>6g} {row.panics:>6g}")
    if (load := outcome.load) is not None:
        lines.append(f"volume: {load.ok} ok, {load.failed} failed, p50 {load.p50_us:.0f} us, p99 {load.p99_us:.0f} us")
    lines += [f"fault: {name} x{outcome.inflicted.count(name)}" for name in dict.fromkeys(outcome.inflicted)]
    lines += [f"{count:>8} {kind}: {ending}" for (kind, ending), count in sorted(outcome.ledger.counts.items())]
    return "\n".join([*lines, *_failures(outcome.failures())])


def write(outcome: Outcome, path: Path) -> None:
    """All of it as JSON, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {
        "passed": not outcome.failures(),
        "failures": outcome.failures(),
        "sidecars": [asdict(row) for row in outcome.rows],
        "volume": asdict(outcome.load) if outcome.load else None,
        "faults": outcome.inflicted,
        "calls": {f"{kind}: {ending}": count for (kind, ending), count in sorted(outcome.ledger.counts.items())},
    }
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(told, indent=1))
    draft.replace(path)


def _failures(found: Sequence[str]) -> list[str]:
    shown = [f"FAILED {failure}" for failure in found[:20]]
    return [*shown, f"FAILED and {len(found) - 20} more"] if len(found) > 20 else shown or ["passed"]
