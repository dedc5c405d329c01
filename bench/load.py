"""The backend and the load generator (Rust, on our own HTTP/2), as processes: what they print, as data."""

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from bench.cells import Shape
from bench.certificates import SERVER_NAME, Certificates
from bench.processes import Pinned, ProcessFailed
from bench.systems.base import AUTHORITY

TARGET = Path(__file__).parents[1] / "engine" / "target"  # shared with the engine
BINARIES = TARGET / "release"
METHOD = "/bench.Echo/Unary"
SPARE = 60.0  # seconds that a load run may take beyond its own time


@dataclass(frozen=True)
class Load:
    """What came back. A call is in `ok` only with grpc-status 0 and every message whole, in order, byte for byte."""

    ok: int
    failed: int
    seconds: float
    p50_us: float
    p99_us: float
    p999_us: float
    p90_us: float = 0.0
    max_us: float = 0.0
    messages: int = 0
    cpu_us_a_call: float | None = None  # the generator's own
    by_connection: dict[str, int] = field(default_factory=dict)  # ok calls of the "least" and "most" served one
    failures: dict[str, int] = field(default_factory=dict)  # by kind
    late: int = 0  # calls of a closed loop that ended well after its time

    @property
    def kinds(self) -> str:
        """The failures, the most frequent kind first: "reset 7: 3, connection lost: 1"."""
        return ", ".join(f"{kind}: {count}" for kind, count in sorted(self.failures.items(), key=lambda kind: -kind[1]))


@dataclass(frozen=True)
class Entry:
    """Where load goes in, the core that the generator keeps to, the certificates to prove itself with (None:
    plaintext), and whom the calls are for."""

    port: int
    core: int | str
    certificates: Certificates | None = None
    authority: str = AUTHORITY


def build() -> None:
    """Build the programs with cargo, release profile. Raises ProcessFailed."""
    # There, for the target folder of its .cargo/config.toml.
    command = ["cargo", "build", "--release", "--locked", "--quiet"]
    done = subprocess.run(command, cwd=Path(__file__).parent, check=False)
    if done.returncode:
        raise ProcessFailed("cargo could not build bench/: see its output above")


def start_backend(
    core: int | str, folder: Path, stall: tuple[float, int] | None = None, name: str = "backend"
) -> tuple[Pinned, int]:
    """The echo backend on a free loopback port. `stall`: seconds after the first call, milliseconds of sleep."""
    command = [str(BINARIES / "tulle-backend"), "--listen", "127.0.0.1:0"]
    if stall:
        command += ["--stall-at", str(stall[0]), "--stall-ms", str(stall[1])]
    command += ["--die-with-parent", "true"]
    process = Pinned.start(name, command, core, folder)
    return process, int(process.ready()["address"].rpartition(":")[2])


def start(entry: Entry, shape: Shape, seconds: float) -> subprocess.Popen[str]:
    """Begin to send `shape`."""
    command = ["taskset", "-c", str(entry.core), str(BINARIES / "tulle-loadgen"), *_arguments(entry, shape, seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str], seconds: float) -> Load:
    """Wait for the end of what `start` began. Raises ProcessFailed."""
    try:
        out, errors = process.communicate(timeout=seconds + SPARE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise ProcessFailed(f"the load generator did not end {SPARE:.0f} s after its time") from None
    if process.returncode:
        raise ProcessFailed(f"the load generator failed: {errors.strip()[-300:]}")
    return Load(**json.loads(out))


def run(entry: Entry, shape: Shape, seconds: float) -> Load:
    """Send `shape` for `seconds` and wait for the end. Raises ProcessFailed."""
    return finish(start(entry, shape, seconds), seconds)


def _arguments(entry: Entry, shape: Shape, seconds: float) -> list[str]:
    flags: dict[str, object] = {
        "--target": f"127.0.0.1:{entry.port}",
        "--authority": entry.authority,
        "--kind": shape.kind,
        "--payload": shape.payload,
        "--messages": shape.messages,
        "--connections": shape.connections,
        "--streams": shape.streams,
        "--seconds": seconds,
    }
    if shape.rate:
        flags["--rate"] = shape.rate
    if entry.certificates:
        c = entry.certificates
        flags |= {"--ca": c.root, "--cert": c.client, "--key": c.client_key, "--server-name": SERVER_NAME}
    return [str(part) for flag in flags.items() for part in flag]
