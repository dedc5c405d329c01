"""The whole of it: a mesh, load of every kind, faults in turn, and the verdict."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench.load import Load
from tests.conformance.lane import CALLER, Lane
from tests.soak import volume
from tests.soak.expected import Ledger
from tests.soak.faults import Fault, faults
from tests.soak.measured import Growth, Measured, Sample, growth
from tests.soak.progress import Progress
from tests.soak.variety import Lanes
from tests.soak.volume import Volume
from tests.support.mesh import Member
from tests.support.waiting import until

ECHO = "echo"
MOST_PER_100K = 1.0  # MiB
LEAST_GROWTH = 3.0  # MiB: less than an allocator's habits is no leak, however few the calls
SPARE_DESCRIPTORS = 4


@dataclass(frozen=True)
class Plan:
    """`warm_up` is the same load before anything is measured, `pause` the time without a fault between two.

    Times in seconds. `rate` 0: no volume.
    """

    seconds: float
    warm_up: float
    pause: float
    every: float = 2.0
    rate: int = 1_500
    seed: int = 1


@dataclass(frozen=True)
class Row:
    """What a sidecar came to."""

    name: str
    growth: Growth
    resident: float
    descriptors_before: int
    descriptors_after: int
    broken: float
    panics: float
    samples: tuple[Sample, ...]

    def failures(self) -> list[str]:
        found = []
        if self.growth.per_100k > MOST_PER_100K and self.growth.over_all > LEAST_GROWTH:
            found.append(f"{self.name} grows by {self.growth.per_100k:.2f} MiB each 100,000 calls")
        if self.descriptors_after > self.descriptors_before + SPARE_DESCRIPTORS:
            found.append(f"{self.name} had {self.descriptors_before} descriptors and has {self.descriptors_after}")
        if self.broken or self.panics:
            found.append(f"{self.name}: {self.broken:g} calls broken by the mesh, {self.panics:g} panics")
        return found


@dataclass
class Outcome:
    """What was seen; it is good when `failures` is empty."""

    ledger: Ledger
    rows: list[Row] = field(default_factory=list)
    load: Load | None = None
    inflicted: list[str] = field(default_factory=list)

    def failures(self) -> list[str]:
        found = [failure for row in self.rows for failure in row.failures()]
        found += [f"unexplained: {one}" for one in self.ledger.unexplained]
        if self.load is not None and self.load.failed:
            found.append(f"{self.load.failed} calls of the volume failed, which no fault touches")
        return found


@dataclass(frozen=True)
class Scene:
    """Two instances behind `echo`, one of which is a victim; the sidecars that are measured."""

    lane: Lane
    caller: Member
    victim: Member
    measured: tuple[Measured, ...]


def run(folder: Path, plan: Plan, tell: Callable[[str], None] = lambda _: None) -> Outcome:
    """`tell` gets a line a minute. Raises what no soak can go on from: a process that does not start."""
    with _scene(folder, plan) as scene:
        outcome = Outcome(Ledger())
        with _load(scene, plan, plan.warm_up, outcome):
            _sample_for(plan.warm_up, plan, scene, outcome)
        for one in scene.measured:
            one.begin()
        with _load(scene, plan, plan.seconds, outcome):
            _until_it_is_over(scene, plan, outcome, Progress(tell))
        outcome.rows = [_row(one) for one in scene.measured]
    return outcome


@contextmanager
def _scene(folder: Path, plan: Plan) -> Iterator[Scene]:
    lane = Lane(folder).start_control_plane()
    try:
        with ExitStack() as stack:
            steady, victim = lane.service(ECHO, replicas=2)
            measured = [Measured("echo's sidecar", steady)]
            names = [ECHO]
            if plan.rate:
                beside = lane.beside(volume.NAME, stack.enter_context(volume.backend(folder)))
                measured.append(Measured("volume's sidecar", beside))
                names.append(volume.NAME)
            caller = lane.caller_of(*names)
            measured.append(Measured(f"{CALLER}'s sidecar", caller))
            lane.reaches(caller, ECHO)
            yield Scene(lane, caller, victim, tuple(measured))
    finally:
        lane.close()


@contextmanager
def _load(scene: Scene, plan: Plan, seconds: float, outcome: Outcome) -> Iterator[None]:
    """Calls of every kind while this lasts, and the volume for so many seconds."""
    generator = Volume(str(scene.caller.addresses["outbound"]), seconds, plan.rate) if plan.rate else None
    try:
        with Lanes(lambda: scene.caller.channel(ECHO), outcome.ledger, plan.seed).running():
            yield
        if generator is not None:
            outcome.load = generator.finish()
    finally:
        if generator is not None:
            generator.abandon()
    outcome.ledger.settle()


def _until_it_is_over(scene: Scene, plan: Plan, outcome: Outcome, progress: Progress) -> None:
    """Faults in turn, each after a pause in which samples are taken."""
    ends = time.monotonic() + plan.seconds
    turns = faults(scene.lane, scene.victim)
    turn = 0
    while time.monotonic() < ends:
        _sample_for(min(plan.pause, ends - time.monotonic()), plan, scene, outcome)
        if time.monotonic() < ends:
            _inflict(turns[turn % len(turns)], outcome)
            turn += 1
        progress.told(scene.measured, outcome.ledger, len(outcome.inflicted))


def _inflict(fault: Fault, outcome: Outcome) -> None:
    with outcome.ledger.explaining(fault.name, fault.explains):
        fault.inflict()
    outcome.inflicted.append(fault.name)


def _sample_for(seconds: float, plan: Plan, scene: Scene, outcome: Outcome) -> None:
    ends = time.monotonic() + seconds
    while (left := ends - time.monotonic()) > 0:
        for one in scene.measured:
            one.sample()
        outcome.ledger.settle()
        time.sleep(min(plan.every, left))


def _row(one: Measured) -> Row:
    """Once load is over: descriptors are given time to go back."""
    most = one.descriptors_before + SPARE_DESCRIPTORS
    with suppress(AssertionError):  # judged by the row, beside everything else
        until(lambda: one.descriptors() <= most, "descriptors", limit=20)
    return Row(
        one.name,
        growth(one.samples),
        one.samples[-1].resident,
        one.descriptors_before,
        one.descriptors(),
        one.broken(),
        one.panics(),
        tuple(one.samples),
    )
