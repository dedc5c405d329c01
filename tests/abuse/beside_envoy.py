"""`python -m tests.abuse.beside_envoy`: the same attackers against our sidecar and against Envoy, both figures printed.

Envoy is the bench's, one hop in plaintext, with our header limits; its flood limits are its defaults, whose formulas
ours follow. Our attacker stands at the outbound door, and the victim's calls cross two sidecars and mTLS.
"""

import contextlib
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import grpc

from bench import certificates
from bench.systems.base import Setting
from bench.systems.envoy import Envoy
from tests.abuse import floods, header_lists, resets
from tests.abuse.memory import MIB, resident
from tests.abuse.ring import Door, baseline, ring
from tests.abuse.victim import Victim
from tests.abuse.watch import p99
from tests.conformance import frames as f
from tests.conformance.lane import Lane, upstream_address
from tests.conformance.peer import Peer, Unexpected
from tests.support.echo_client import channel
from tests.support.process import ROOT, Child
from tests.support.waiting import until

FILE = ROOT / ".cache" / "abuse" / "abuse.json"
CORE = 1
CALLS = 100
LIMITS = {"max_request_headers_kb": 16, "common_http_protocol_options": {"max_headers_count": 128}}
CODES = {f.NO_ERROR: "NO_ERROR", f.PROTOCOL_ERROR: "PROTOCOL_ERROR", f.ENHANCE_YOUR_CALM: "ENHANCE_YOUR_CALM"}
Script = Callable[[Peer], None]


@dataclass(frozen=True)
class Arena:
    """A proxy, the address of its door, a client of it, and its memory in MiB."""

    name: str
    address: str
    calls: grpc.Channel
    memory: Callable[[], float]


@dataclass(frozen=True)
class Figures:
    """`p99_ms` is the victim's, `baseline_ms` what it was before; `growth_mib` the most that was seen meanwhile."""

    attack: str
    system: str
    reaction: str
    failed_calls: int
    p99_ms: float
    baseline_ms: float
    growth_mib: float


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="tulle-abuse-") as folder:
        figures = [*_ours(Path(folder)), *_envoys(Path(folder))]
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(json.dumps([asdict(one) for one in figures], indent=1))
    print(table(figures))
    return int(any(one.failed_calls for one in figures if one.system == "tulle"))


def scripts() -> dict[str, Script]:
    """Every attack of a client that needs no particular proxy."""
    bombs = {str(bomb): _bomb(bomb) for bomb in (*header_lists.over(), *header_lists.far_over())}
    return {str(one): one.attack for one in (*floods.attacks(), *resets.attacks())} | bombs


def table(figures: list[Figures]) -> str:
    """A row an attack and system."""
    rows = [f"{'attack':48} {'system':6} {'reaction':34} {'failed':>6} {'p99 ms':>7} {'before':>7} {'MiB':>6}"]
    for one in sorted(figures, key=lambda one: list(scripts()).index(one.attack)):
        numbers = f"{one.failed_calls:6} {one.p99_ms:7.1f} {one.baseline_ms:7.1f} {one.growth_mib:6.1f}"
        rows.append(f"{one.attack[:48]:48} {one.system:6} {one.reaction[:34]:34} {numbers}")
    return "\n".join(rows)


def _ours(folder: Path) -> list[Figures]:
    lane = Lane(folder / "mesh")
    lane.folder.mkdir()
    try:
        with ring(lane.start_control_plane()) as mesh:
            address = upstream_address(mesh.behind(Door.OUTBOUND), "echo")
            return _all(Arena("tulle", address, mesh.calls_echo, lambda: resident(mesh.caller)))
    finally:
        lane.close()


def _envoys(folder: Path) -> list[Figures]:
    with _echo(folder) as port:
        setting = Setting("plain", port, folder, certificates.make(folder), CORE)
        running = Envoy(LIMITS).start(setting)
        try:
            with channel(f"127.0.0.1:{running.port}") as calls:
                memory = running.processes[0].rss_bytes
                return _all(Arena("envoy", f"127.0.0.1:{running.port}", calls, lambda: memory() / MIB))
        finally:
            running.stop()


@contextmanager
def _echo(folder: Path) -> Iterator[int]:
    child = Child.python("echo", "tests.support.echo_server", [], folder)
    try:
        yield int(child.first_line().split()[1])
    finally:
        child.kill()


def _all(arena: Arena) -> list[Figures]:
    before = baseline(arena.calls) * 1_000
    return [_one(arena, title, script, before) for title, script in scripts().items()]


def _one(arena: Arena, title: str, script: Script, before: float) -> Figures:
    victim, small, peer = Victim(arena.calls), arena.memory(), Peer.connect(arena.address)
    most = small

    def has_called() -> bool:
        nonlocal most
        most = max(most, arena.memory())
        return len(victim.answers) >= CALLS

    with contextlib.suppress(AssertionError), victim:  # what failed is a figure here
        with contextlib.suppress(Unexpected, OSError):
            script(peer.greet())
        most = max(most, arena.memory())
        until(has_called, "the victim's calls")
    reaction = _reaction(peer)
    peer.close()
    failed = sum(seen.code is not grpc.StatusCode.OK for seen in victim.answers)
    took = p99(victim.latencies) * 1_000
    return Figures(title, arena.name, reaction, failed, took, before, most - small)


def _reaction(peer: Peer) -> str:
    """What came of it, in words."""
    goaway = next((frame for frame in peer.seen if frame.kind == f.GOAWAY), None)
    if goaway:
        return f"GOAWAY {CODES.get(goaway.code(), goaway.code())}"
    stopped = sum(frame.kind == f.RST_STREAM for frame in peer.seen)
    if stopped:
        return f"{stopped} streams reset"
    if _is_closed(peer):
        return "closed without a word"
    fields = [pair for frame in peer.seen if frame.kind == f.HEADERS for pair in peer.decoder.decode(frame.payload)]
    statuses = [str(value) for name, value in fields if str(name) == "grpc-status"]
    return f"answered, grpc-status {statuses[-1]}" if statuses else "none, the connection lives"


def _is_closed(peer: Peer) -> bool:
    try:
        while peer.read(0.5) is not None:
            pass
    except TimeoutError:
        return False
    return True


def _bomb(bomb: header_lists.Bomb) -> Script:
    last = 2 * len(bomb.blocks) - 1

    def script(peer: Peer) -> None:
        peer.send(header_lists.sent(bomb.blocks, 1))
        ends = (f.RST_STREAM, f.GOAWAY)
        peer.until(lambda frame: frame.kind in ends or (frame.stream == last and bool(frame.flags & 1)), "its end")

    return script


if __name__ == "__main__":
    sys.exit(main())
