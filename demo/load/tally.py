"""What came of the calls since the last line."""

from dataclasses import dataclass, field

import grpc

# The shopper's own fault, or the shop's considered refusal: no error of the system.
REFUSALS = (grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.NOT_FOUND)


@dataclass(slots=True)
class Tally:
    """Counts and latencies (seconds) of one stretch of time."""

    latencies: list[float] = field(default_factory=list)
    errors: dict[str, int] = field(default_factory=dict)
    refused: int = 0
    shed: int = 0

    def finished(self, seconds: float, status: grpc.StatusCode) -> None:
        """A call ended with `status` after so long."""
        self.latencies.append(seconds)
        if status in REFUSALS:
            self.refused += 1
        elif status is not grpc.StatusCode.OK:
            self.errors[status.name] = self.errors.get(status.name, 0) + 1

    def line(self, over_seconds: float) -> str:
        """One line for people: rate, refusals, errors by status, p50 and p99."""
        ordered = sorted(self.latencies)
        errors = " ".join(f"{name}={count}" for name, count in sorted(self.errors.items())) or "0"
        shed = f"  not sent {self.shed}" if self.shed else ""
        return (
            f"load {len(ordered) / over_seconds:6.1f}/s  errors {errors}  refused {self.refused}"
            f"  p50 {quantile(ordered, 0.50) * 1000:.1f} ms  p99 {quantile(ordered, 0.99) * 1000:.1f} ms{shed}"
        )


def quantile(ordered: list[float], share: float) -> float:
    """The value below which `share` (0 to 1) of an ordered list lies; 0 for an empty one."""
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
