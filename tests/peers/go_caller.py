"""grpc-go as the caller, for rates and sizes at which Python would be what is measured."""

import json
import subprocess
from dataclasses import dataclass
from typing import Any

from tests.peers.build import GO
from tests.support.process import ROOT

Way = tuple[str, str]  # target and authority


@dataclass(frozen=True)
class Hammered:
    """Calls made, and what they came to: "" for well."""

    calls: int
    came: dict[str, int]


@dataclass(frozen=True)
class Cancelled:
    """What cancelled calls, their neighbours and a held stream came to, and when each call was cancelled (Unix ns)."""

    cancelled: dict[str, int]
    neighbours: dict[str, int]
    held: dict[str, int]
    at: dict[str, int]


@dataclass(frozen=True)
class Outcome:
    """What one call came to."""

    code: str
    text: str
    head: dict[str, list[str]]
    trailers: dict[str, list[str]]
    details: int
    millis: int


def hammer(way: Way, *, seconds: int, answer_bytes: int, key: str) -> Hammered:
    """Eight callers on one connection, each one call after the other."""
    return Hammered(**_run("hammer", way, seconds + 60, seconds=seconds, answer_bytes=answer_bytes, key=key))


def cancels(way: Way, *, seconds: int, prefix: str) -> Cancelled:
    """400 calls a second that are cancelled 1 to 50 ms after their start, beside 100 calls a second that are not."""
    return Cancelled(**_run("cancels", way, seconds + 60, seconds=seconds, prefix=prefix))


def bulk(way: Way, direction: str, *, size: int, count: int, rounds: int) -> list[float]:
    """Seconds that `count` messages of `size` bytes took, several times on one connection."""
    came = _run("bulk", way, 400, direction=direction, bytes=size, count=count, rounds=rounds)
    return [float(seconds) for seconds in came["seconds"]]


def calls(way: Way, wanted: list[dict[str, Any]], *, beside: int = 0) -> tuple[list[Outcome], dict[str, int]]:
    """The calls in turn, and what streams that were open beside them on the same connection came to."""
    came = _run("calls", way, 120, json.dumps(wanted), beside=beside)
    return [Outcome(**one) for one in came["outcomes"]], came["beside"]


def _run(command: str, way: Way, limit: float, stdin: str = "", **flags: str | int) -> dict[str, Any]:
    given = [f"--{name.replace('_', '-')}={value}" for name, value in flags.items()]
    target, authority = way
    done = subprocess.run(
        [str(GO), command, f"--target={target}", f"--authority={authority}", *given],
        cwd=ROOT,
        capture_output=True,
        text=True,
        input=stdin,
        timeout=limit,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    parsed: dict[str, Any] = json.loads(done.stdout)
    return parsed
