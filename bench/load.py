"""The backend and the load generator (Rust, on our own HTTP/2), as processes: what they print, as data."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.processes import Pinned, ProcessFailed
from bench.systems.base import AUTHORITY

BINARIES = Path(__file__).parent / "target" / "release"
METHOD = "/bench.Echo/Unary"
SPARE = 30.0  # seconds that a load run may take beyond its own time


@dataclass(frozen=True)
class Shape:
    """What is sent: connections × streams in flight, bytes a message, calls/s (None: as fast as answered)."""

    connections: int
    streams: int
    payload: int
    seconds: float
    rate: int | None = None


@dataclass(frozen=True)
class Load:
    """What came back. Only calls with grpc-status 0 and every payload byte as sent are counted in `ok`."""

    ok: int
    failed: int
    seconds: float
    p50_us: float
    p99_us: float
    p999_us: float


def build() -> None:
    """Build both programs with cargo, release profile. Raises ProcessFailed."""
    manifest = Path(__file__).parent / "Cargo.toml"
    done = subprocess.run(
        ["cargo", "build", "--release", "--locked", "--quiet", "--manifest-path", str(manifest)], check=False
    )
    if done.returncode:
        raise ProcessFailed("cargo could not build bench/: see its output above")


def start_backend(core: int, folder: Path) -> tuple[Pinned, int]:
    """The echo backend on a free loopback port."""
    process = Pinned.start("backend", [str(BINARIES / "tulle-backend"), "--listen", "127.0.0.1:0"], core, folder)
    return process, int(process.ready()["address"].rpartition(":")[2])


def run(port: int, shape: Shape, core: int) -> Load:
    """Send `shape` to a loopback port from one core and wait for the end."""
    command = ["taskset", "-c", str(core), str(BINARIES / "tulle-loadgen"), *_arguments(port, shape)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=shape.seconds + SPARE, check=False)
    if done.returncode:
        raise ProcessFailed(f"the load generator failed: {done.stderr.strip()[-300:]}")
    return Load(**json.loads(done.stdout))


def _arguments(port: int, shape: Shape) -> list[str]:
    flags = {
        "--target": f"127.0.0.1:{port}",
        "--authority": AUTHORITY,
        "--path": METHOD,
        "--payload": shape.payload,
        "--connections": shape.connections,
        "--streams": shape.streams,
        "--seconds": shape.seconds,
    } | ({"--rate": shape.rate} if shape.rate else {})
    return [str(part) for flag in flags.items() for part in flag]
