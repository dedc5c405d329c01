"""A line a minute while a soak goes on, so that what it comes to is seen before it ends."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.soak.expected import Ledger
from tests.soak.measured import Measured

EVERY = 60.0  # seconds


@dataclass
class Progress:
    """`tell` takes a line. What nothing explains is told once, as soon as it is known."""

    tell: Callable[[str], None]
    _begun: float = field(default_factory=time.monotonic)
    _last: float = field(default_factory=time.monotonic)
    _unexplained: int = 0

    def told(self, measured: Sequence[Measured], ledger: Ledger, faults: int) -> None:
        for one in ledger.unexplained[self._unexplained :]:
            self.tell(f"unexplained: {one}")
        self._unexplained = len(ledger.unexplained)
        if time.monotonic() - self._last >= EVERY:
            self._last = time.monotonic()
            self.tell(self._line(measured, ledger, faults))

    def _line(self, measured: Sequence[Measured], ledger: Ledger, faults: int) -> str:
        held = ", ".join(f"{one.name} {one.samples[-1].resident:.1f} MiB" for one in measured if one.samples)
        calls = sum(ledger.counts.values())
        minutes = (self._last - self._begun) / 60
        told = f"{calls} calls of every kind, {faults} faults, {self._unexplained} unexplained"
        return f"minute {minutes:.0f}: {told}; {held}"
