"""connectrpc's conformance suite, gRPC over HTTP/2: a case fails with the mesh if and only if it fails without."""

import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import grpc

from tests.conformance.both_ways import AGAIN, judge, settled
from tests.conformance.connect.pairing import MEETING, Pairing
from tests.conformance.lane import Lane, upstream_address
from tests.conformance.ports import free_port
from tests.conformance.result import Result
from tests.conformance.toolchain import ConnectPrograms
from tests.support.mesh import NAMESPACE, Member
from tests.support.process import ROOT

LIMIT: Final = 120.0  # seconds of a run
# The suite's errors are its answers. By default seven in a row make the mesh leave a server alone, which has but one.
PATIENT: Final = """
apiVersion: tulle.dev/v1
kind: TrafficPolicy
metadata: {{name: patient, namespace: {namespace}}}
spec:
  targetRefs: [{targets}]
  outlier: {{consecutiveFailures: 10000}}
"""
_CASE = re.compile(r'^Sending request for "(.+)"\.\.\.$', re.MULTILINE)
_FAILED = re.compile(r"^FAILED: (.+):\n((?:\t.*\n)+)", re.MULTILINE)
_TOTAL = re.compile(r"^Total cases: (\d+)\n(\d+) passed, (\d+) failed$", re.MULTILINE)


class Incomplete(Exception):
    """A run did not give every case an outcome; the text shows its last words."""


@dataclass(frozen=True)
class Run:
    """`reasons` has every case; an empty reason is a pass."""

    reasons: Mapping[str, str]
    seconds: float


def run(lane: Lane, programs: ConnectPrograms) -> list[Result]:
    """grpc-go and connect-go, as clients and as servers, each against both."""
    pairings = [
        Pairing(role, path, meeting, free_port())
        for role, paths in programs.subjects.items()
        for path in paths
        for meeting in MEETING
    ]
    caller = lane.caller_of(*(pairing.name for pairing in pairings))
    targets = ", ".join(f"{{kind: Service, name: {pairing.name}}}" for pairing in pairings)
    lane.apply(PATIENT.format(namespace=NAMESPACE, targets=targets))
    return [result for pairing in pairings for result in _both_ways(lane, caller, pairing, programs)]


def _both_ways(lane: Lane, caller: Member, pairing: Pairing, programs: ConnectPrograms) -> list[Result]:
    try:
        rows = {row.name: row for row in _compare(lane, caller, pairing, programs.runner)}
        for _ in range(AGAIN):
            if differ := [name for name, row in rows.items() if row.reason]:
                again = _compare(lane, caller, pairing, programs.runner, differ)
                rows |= {row.name: settled(rows[row.name], row) for row in again}
    except Incomplete as error:
        return [Result(pairing.part, f"the run with {pairing.meeting}", str(error), 0)]
    return list(rows.values())


def _compare(lane: Lane, caller: Member, pairing: Pairing, runner: Path, only: Sequence[str] = ()) -> Iterator[Result]:
    without = outcomes(pairing.command(runner, None, only))
    _get_ready(lane, caller, pairing)
    through = outcomes(pairing.command(runner, upstream_address(caller, pairing.name), only))
    names = without.reasons.keys() | through.reasons.keys()
    each = (without.seconds + through.seconds) / len(names)  # the suite does not time its cases
    for name in sorted(names):
        yield judge(pairing.part, name, without.reasons.get(name), through.reasons.get(name), each)


def _get_ready(lane: Lane, caller: Member, pairing: Pairing) -> None:
    with _stand_in(pairing.port):
        if pairing.name not in {member.service for member in lane.members}:
            lane.beside(pairing.name, pairing.port)
        lane.reaches_any(caller, pairing.name)


@contextmanager
def _stand_in(port: int) -> Iterator[None]:
    """A server that knows no method, while the mesh gets ready: the suite's own is well only for the suite's cases."""
    server = grpc.server(ThreadPoolExecutor(1))
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    try:
        yield
    finally:
        server.stop(None).wait()


def outcomes(command: Sequence[str]) -> Run:
    """One run of the suite. Raises Incomplete."""
    begun = time.monotonic()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False, cwd=ROOT)
    except subprocess.TimeoutExpired:
        raise Incomplete(f"no end within {LIMIT:g} s") from None
    return Run(parse(done.stdout + done.stderr), time.monotonic() - begun)


def parse(said: str) -> dict[str, str]:
    """Every case with its reason. Raises Incomplete when there is none, or the runner's own sums are others."""
    reasons = dict.fromkeys(_CASE.findall(said), "")
    failed = {name: " ".join(lines.split())[:300] for name, lines in _FAILED.findall(said)}
    total = _TOTAL.search(said)
    sums = (len(reasons), len(reasons) - len(failed), len(failed))
    if total is None or not reasons or sums != tuple(map(int, total.groups())):
        raise Incomplete(f"{len(reasons)} cases and {len(failed)} failures seen; it ended with: {said[-500:]}")
    return reasons | failed
