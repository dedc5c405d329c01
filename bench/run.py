"""`python -m bench.run`: every system in both places, in one go, on this machine.

Proxies keep to core 0, load and backend to core 1. Each round goes through the systems in the opposite order of the
one before (ABBA), so that drift of a shared machine hits all alike.
"""

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench import certificates, load, report
from bench.processes import ProcessFailed
from bench.systems.base import PLACES, Place, Running, Setting, System
from bench.systems.direct import Direct
from bench.systems.envoy import Envoy
from bench.systems.haproxy import HAProxy
from bench.systems.nginx import Nginx
from bench.systems.tulle import Tulle

PROXY_CORE, LOAD_CORE = 0, 1
RATE = 2000
WARM_UP = 1.0  # seconds
SYSTEMS: tuple[System, ...] = (Direct(), Tulle(), Envoy(), HAProxy(), Nginx())
LATEST = Path(__file__).parent / "results" / "latest.json"


@dataclass(frozen=True)
class Plan:
    """What is measured: message size, rounds, seconds a measurement, the shape of saturation."""

    payload: int
    rounds: int
    seconds: float
    connections: int
    streams: int
    names: tuple[str, ...]


def main() -> int:
    plan = _arguments()
    load.build()
    try:
        rows = report.medians(_measure(plan))
    except ProcessFailed as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1
    report.write(rows, LATEST)
    report.show(rows)
    return 0


def _measure(plan: Plan) -> list[report.Row]:
    rows = []
    chosen = [system for system in SYSTEMS if system.name in plan.names]
    for number in range(plan.rounds):
        for place in PLACES:
            for system in chosen if number % 2 == 0 else reversed(chosen):
                if place in system.places:
                    print(f"round {number + 1}/{plan.rounds}: {system.name}, {place}", file=sys.stderr)
                    rows.append(_one(system, place, plan))
    return rows


def _one(system: System, place: Place, plan: Plan) -> report.Row:
    with tempfile.TemporaryDirectory(prefix="tulle-bench-") as name:
        folder = Path(name)
        backend, port = load.start_backend(LOAD_CORE, folder)
        try:
            running = system.start(Setting(place, port, folder, certificates.make(folder), PROXY_CORE))
            try:
                return _figures(system, place, running, plan)
            finally:
                running.stop()
        finally:
            backend.stop()


def _figures(system: System, place: Place, running: Running, plan: Plan) -> report.Row:
    saturated = load.Shape(plan.connections, plan.streams, plan.payload, plan.seconds)
    paced = load.Shape(plan.connections, plan.streams, plan.payload, plan.seconds, RATE)
    load.run(running.port, load.Shape(plan.connections, plan.streams, plan.payload, WARM_UP), LOAD_CORE)
    full, full_cpu = _billed(running, saturated)
    calm, calm_cpu = _billed(running, paced)
    return report.Row(
        system=system.name,
        place=place,
        payload_bytes=plan.payload,
        calls_per_s=full.ok / full.seconds,
        cpu_us_saturated=full_cpu * 1e6 / max(full.ok, 1),
        cpu_us_at_2000=calm_cpu * 1e6 / max(calm.ok, 1),
        p50_us=calm.p50_us,
        p99_us=calm.p99_us,
        p999_us=calm.p999_us,
        rss_mib=sum(process.rss_bytes() for process in running.processes) / 2**20,
        failed=full.failed + calm.failed,
    )


def _billed(running: Running, shape: load.Shape) -> tuple[load.Load, float]:
    before = sum(process.cpu_seconds() for process in running.processes)
    result = load.run(running.port, shape, LOAD_CORE)
    return result, sum(process.cpu_seconds() for process in running.processes) - before


def _arguments() -> Plan:
    parser = argparse.ArgumentParser(prog="python -m bench.run", description="measure Tulle beside other proxies")
    parser.add_argument("--payload", type=int, default=100, help="message size in bytes (default 100)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds whose median is reported (default 3)")
    parser.add_argument("--seconds", type=float, default=4.0, help="seconds a measurement (default 4)")
    parser.add_argument("--connections", type=int, default=10)
    parser.add_argument("--streams", type=int, default=10, help="calls in flight a connection")
    parser.add_argument("--systems", default=",".join(system.name for system in SYSTEMS), help="names, by comma")
    given = parser.parse_args()
    names = tuple(given.systems.split(","))
    if unknown := set(names) - {system.name for system in SYSTEMS}:
        parser.error(
            f"--systems: unknown {', '.join(sorted(unknown))}: choose from {', '.join(s.name for s in SYSTEMS)}"
        )
    return Plan(given.payload, given.rounds, given.seconds, given.connections, given.streams, names)


if __name__ == "__main__":
    sys.exit(main())
