"""What a sidecar holds while it carries calls: resident memory against calls, and descriptors."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.abuse.counted import Counter
from tests.abuse.memory import resident
from tests.support.mesh import Member
from tests.support.waiting import until

CALLS = (Counter("rpc_client_call_duration_seconds_count"), Counter("rpc_server_call_duration_seconds_count"))
BROKEN = Counter("tulle_rpcs_broken_by_mesh_total")
STEADY = 40  # counts in a row that must agree, two seconds' worth
PANICS = Counter("tulle_engine_panics_total")


@dataclass(frozen=True)
class Sample:
    """`calls` since the sidecar's start, `resident` in MiB, `at` in monotonic seconds."""

    calls: float
    resident: float
    at: float


@dataclass
class Measured:
    """A sidecar that lives through all of it."""

    name: str
    member: Member
    samples: list[Sample] = field(default_factory=list)
    descriptors_before: int = 0

    def begin(self) -> None:
        """From here on, whatever was before."""
        self.samples.clear()
        self.descriptors_before = self._settled_descriptors()

    def sample(self) -> None:
        calls = sum(counter.of(self.member) for counter in CALLS)
        self.samples.append(Sample(calls, resident(self.member), time.monotonic()))

    def descriptors(self) -> int:
        """Open now (proc(5), `fd`)."""
        return len(list(Path(f"/proc/{self.member.sidecar.process.pid}/fd").iterdir()))

    def _settled_descriptors(self) -> int:
        """Once connections of the load before are gone: many counts in a row are the same."""
        counts = [-1, self.descriptors()]

        def is_settled() -> bool:
            counts.append(self.descriptors())
            return len(counts) > STEADY and len(set(counts[-STEADY:])) == 1

        until(is_settled, "descriptors come to rest")
        return counts[-1]

    def broken(self) -> float:
        return BROKEN.of(self.member)

    def panics(self) -> float:
        return PANICS.of(self.member)


@dataclass(frozen=True)
class Growth:
    """A line through samples: MiB for each 100,000 calls, and MiB over the whole stretch."""

    per_100k: float
    over_all: float
    calls: float


def growth(samples: Sequence[Sample]) -> Growth:
    """Least squares of memory over calls."""
    calls, held = [one.calls for one in samples], [one.resident for one in samples]
    if len(samples) < 2 or calls[-1] == calls[0]:
        return Growth(0.0, 0.0, 0.0)
    mean_calls, mean_held = sum(calls) / len(calls), sum(held) / len(held)
    covariance = sum((x - mean_calls) * (y - mean_held) for x, y in zip(calls, held, strict=True))
    slope = covariance / sum((x - mean_calls) ** 2 for x in calls)
    span = calls[-1] - calls[0]
    return Growth(slope * 100_000, slope * span, span)
