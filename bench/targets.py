"""What is aimed at, as data, and the judgement of what was measured."""

from dataclasses import dataclass
from typing import Literal

from bench.cells import Cell
from bench.figures import ADDED, Results, Spot
from bench.matrix import CALM, CENTRE, COLD, HANDSHAKES, LARGE, MANY, ONE
from bench.pairs import Estimate, difference, estimate, ratio

How = Literal["ratio", "difference", "excess", "value"]
Sense = Literal["at most", "at least"]
Judgement = Literal["met", "short", "no figure"]

ALONE, TOGETHER = "tulle-1-core", "tulle-together"
ENGINES, WORKERS = "tulle-2-engines", "tulle-2-workers"
CPU, CALLS, P99 = "cpu_us", "calls_per_s", f"{ADDED}p99_us"


@dataclass(frozen=True)
class Target:
    """`ours` compared with `theirs` in one figure: as a ratio, a difference, the excess of a ratio over 1, or alone by
    its own value (`theirs` empty)."""

    what: str
    spot: Spot
    figure: str
    theirs: str
    bound: float
    how: How = "ratio"
    sense: Sense = "at most"
    ours: str = "tulle"


@dataclass(frozen=True)
class Verdict:
    """`ours` and `theirs` are medians; `found` is None where a side has no valid figure."""

    target: Target
    found: Estimate | None
    ours: float | None
    theirs: float | None

    @property
    def judgement(self) -> Judgement:
        if self.found is None:
            return "no figure"
        middle, bound = self.found.middle, self.target.bound
        return "met" if (middle <= bound if self.target.sense == "at most" else middle >= bound) else "short"


def _spot(block: str, place: str, cell: Cell) -> Spot:
    return Spot(block, place, cell.name)


def _load(place: str, block: str) -> dict[str, Spot]:
    return {"saturated": _spot(block, place, Cell(CENTRE)), "calm": _spot(block, place, Cell(CALM))}


def _wider(place: str) -> dict[str, Spot]:
    return {"large": _spot("wide", place, Cell(LARGE)), "many": _spot("wide", place, Cell(MANY))}


_HOP, _PAIR = _load("plain", "centre"), _load("mtls_pair", "centre")
HANDSHAKE_SPOT = _spot("handshakes", "mtls_ingress", Cell(HANDSHAKES))
WORKERS_SPOT = _spot("workers", "plain", Cell(ONE, "pressure"))
CROSSED_SPOT = _spot("crossed", "plain", Cell(CENTRE, "pressure"))
FAIRNESS_SPOT = _spot("fairness", "plain", Cell(COLD, "fairness"))
_HOP_POLICY, _PAIR_POLICY = _load("plain", "policy"), _load("mtls_pair", "policy")


def _place(what: str, spots: dict[str, Spot], saturated: float) -> tuple[Target, ...]:
    return (
        Target(f"{what}: CPU a call, saturated", spots["saturated"], CPU, "envoy", saturated),
        Target(f"{what}: CPU a call, saturated", spots["saturated"], CPU, "haproxy", 0.3),
        Target(f"{what}: CPU a call at 2,000/s", spots["calm"], CPU, "envoy", 0.35),
        Target(f"{what}: CPU a call at 2,000/s", spots["calm"], CPU, "haproxy", 0.6),
        Target(f"{what}: p99 at 2,000/s added to direct", spots["calm"], P99, "envoy", 0.5),
    )


def _wide(what: str, spots: dict[str, Spot]) -> tuple[Target, ...]:
    return (
        Target(f"{what}: CPU a call of 16 KiB", spots["large"], CPU, "envoy", 0.45),
        Target(f"{what}: CPU a call, 100 connections × 32", spots["many"], CPU, "envoy", 0.08),
    )


def _policy(what: str, spots: dict[str, Spot], beside_all: str) -> tuple[Target, ...]:
    """`beside_all`: what has as many upstream connections as all policies, and none of the policies."""
    spot = spots["saturated"]
    return tuple(
        target
        for ours, name, off in (("tulle", "default", "tulle-off"), ("tulle-all", "all", beside_all))
        for target in (
            Target(f"{what}: CPU, policy {name} over off", spot, CPU, off, 0.25, "excess", ours=ours),
            Target(f"{what}: CPU µs, policy {name} less off", spot, CPU, off, 0.5, "difference", ours=ours),
        )
    )


TARGETS: tuple[Target, ...] = (
    *_place("hop", _HOP, 0.12),
    *_place("pair", _PAIR, 0.15),
    Target("pair: CPU a call, saturated", _PAIR["saturated"], CPU, "l4", 2.0),
    *_wide("hop", _wider("plain")),
    *_wide("pair", _wider("mtls_pair")),
    Target("handshakes a second", HANDSHAKE_SPOT, CALLS, "envoy", 1.0, sense="at least"),
    # The generator shares its core with the backend and may be what ends first; the bill does not depend on it.
    Target("CPU a handshake", HANDSHAKE_SPOT, CPU, "envoy", 1.0),
    Target("CPU a handshake, the same key exchange", HANDSHAKE_SPOT, CPU, "envoy-mlkem", 1.0),
    *_policy("hop", _HOP_POLICY, "tulle-split"),
    *_policy("pair", _PAIR_POLICY, "tulle-off"),
    Target("two workers on two cores over one", WORKERS_SPOT, CALLS, ALONE, 1.8, "ratio", "at least", TOGETHER),
    # Where half of the calls cross cores: 1.8 of the 2 that engines reach which share nothing, with the same crossing.
    Target("the same, crossing, over two engines", CROSSED_SPOT, CALLS, ENGINES, 0.9, "ratio", "at least", WORKERS),
    Target(
        "worst connection's distance from the mean, beside a hot one", FAIRNESS_SPOT, "unfairness", "", 0.2, "value"
    ),
)


def judge(results: Results, targets: tuple[Target, ...] = TARGETS) -> list[Verdict]:
    return [_judge(results, target) for target in targets]


def _judge(results: Results, target: Target) -> Verdict:
    ours = results.rounds(target.spot, target.ours, target.figure)
    theirs = results.rounds(target.spot, target.theirs, target.figure) if target.theirs else {}
    found = _found(target.how, ours, theirs)
    return Verdict(
        target,
        found,
        results.middle(target.spot, target.ours, target.figure),
        results.middle(target.spot, target.theirs, target.figure) if target.theirs else None,
    )


def _found(how: How, ours: dict[int, float], theirs: dict[int, float]) -> Estimate | None:
    match how:
        case "value":
            return estimate(list(ours.values()))
        case "difference":
            return difference(ours, theirs)
        case "excess":
            found = ratio(ours, theirs)
            return found and Estimate(found.middle - 1, found.low - 1, found.high - 1, found.pairs)
        case "ratio":
            return ratio(ours, theirs)
