"""What attacks may do to everybody else, over a whole module: the issue's pass criteria, looked at when it ends."""

from dataclasses import dataclass, field

from tests.abuse.counted import IN_FLIGHT, Counter
from tests.abuse.memory import resident
from tests.support.mesh import Member
from tests.support.waiting import until

MOST_GROWTH = 20.0  # MiB while attacked
MOST_KEPT = 1.1  # of what was resident before, 30 s later
MOST_IN_FLIGHT = 100
ENOUGH = 100  # calls, under which a percentile says nothing
AT_LEAST, TIMES = (
    0.025,
    3,
)  # seconds, and times its own baseline: the larger bounds a victim's p99, over that without a sidecar
PANICS = Counter("tulle_engine_panics_total")


def p99(latencies: list[float]) -> float:
    """Seconds."""
    ordered = sorted(latencies)
    return ordered[-(-len(ordered) * 99 // 100) - 1]


@dataclass
class Watch:
    """Of two sidecars and the victims of one module. `baseline` was taken before the first attack."""

    members: tuple[Member, ...]
    baseline: float
    latencies: list[float] = field(default_factory=list)
    straight: list[float] = field(default_factory=list)  # of calls beside them that meet no sidecar
    before: list[float] = field(default_factory=list)
    peak: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        for member in self.members:
            member.metrics()  # the first page costs the imports it needs
        self.before = [resident(member) for member in self.members]
        self.peak = list(self.before)

    def call_took(self, seconds: float) -> None:
        self.latencies.append(seconds)
        self.peak = [max(was, resident(member)) for was, member in zip(self.peak, self.members, strict=True)]

    def straight_took(self, seconds: float) -> None:
        self.straight.append(seconds)

    def assert_bounded(self) -> None:
        """After an attack, the attacker still connected."""
        assert IN_FLIGHT.of(self.members[0]) <= MOST_IN_FLIGHT

    def assert_unharmed(self) -> None:
        """At the end of a module."""
        for member in self.members:
            assert member.sidecar.process.poll() is None, f"{member.instance} is gone"
            assert PANICS.of(member) == 0
        grown = [peak - was for peak, was in zip(self.peak, self.before, strict=True)]
        assert max(grown) <= MOST_GROWTH, f"the sidecars grew by {grown} MiB"
        until(self._is_small_again, f"memory within 10 % of {self.before} MiB", limit=30)
        if len(self.latencies) >= ENOUGH:
            most, beside = max(AT_LEAST, TIMES * self.baseline), p99(self.straight) if self.straight else 0.0
            seen = f"p99 {p99(self.latencies):.4f} s of {len(self.latencies)} calls, {beside:.4f} s without a sidecar"
            assert p99(self.latencies) <= most + beside, seen

    def _is_small_again(self) -> bool:
        pairs = zip(self.members, self.before, strict=True)
        return all(resident(member) <= was * MOST_KEPT for member, was in pairs)
