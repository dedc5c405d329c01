"""Ours on two cores, every thread kept to one of them, with a backend on each and load from each: what workers cost
one another, beside engines that share nothing and get the same calls from the same places.

Crossed: each core's load goes to every engine, every engine calls each core's backend. Else each core's load is for a
service of its own, whose backend is on that core, and no call crosses: an engine's connections go to its workers in
turn, as the doors are opened.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from bench import load
from bench.processes import Pinned
from bench.systems.base import Door, Place, Running, Setting
from bench.systems.policy import NAME, NAMESPACE

WORKER = "tulle-worker"  # how the engine names its threads


@dataclass
class TullePlaced:
    """`engines`: the cores of each, on which it has a worker."""

    name: str
    engines: tuple[tuple[int, ...], ...]
    crossed: bool = False
    places: tuple[Place, ...] = ("plain",)

    def start(self, setting: Setting) -> Running:
        backends = {core: _backend(core, setting.folder) for cores in self.engines for core in cores}
        doors, hops = [], []
        for number, cores in enumerate(self.engines):
            reached = backends if self.crossed else cores
            names = {core: NAME if self.crossed else f"{NAME}-{core}" for core in reached}
            ports = [(names[core], backends[core][1]) for core in reached]
            hop = _hop(number, cores, ports, setting.folder)
            port = int(hop.ready()["address"].rpartition(":")[2])
            _keep_workers(hop.process.pid, cores)
            doors += [Door(port, core, f"{names[core]}.{NAMESPACE}") for core in reached]
            hops.append(hop)
        return Running(doors[0].port, tuple(hops), tuple(process for process, _ in backends.values()), tuple(doors))


def _backend(core: int, folder: Path) -> tuple[Pinned, int]:
    return load.start_backend(core, folder, name=f"backend-{core}")


def _hop(number: int, cores: tuple[int, ...], backends: list[tuple[str, int]], folder: Path) -> Pinned:
    command = [sys.executable, "-m", "bench.systems.tulle_hop", "--workers", str(len(cores))]
    command += [part for name, port in backends for part in ("--backend", f"{name}={port}")]
    return Pinned.start(f"tulle-hop-{number}", command, ",".join(map(str, cores)), folder)


def _keep_workers(pid: int, cores: tuple[int, ...]) -> None:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    workers = sorted((name, int(task.name)) for task in tasks if (name := _name(task)).startswith(WORKER))
    for core, (_, thread) in zip(cores, workers, strict=True):
        os.sched_setaffinity(thread, {core})


def _name(task: Path) -> str:
    return (task / "comm").read_text().strip()
