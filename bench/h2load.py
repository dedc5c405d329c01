"""nghttp2's h2load, sending what our generator sends. It counts answers by their HTTP status and checks no byte."""

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.cells import Shape
from bench.load import METHOD, SPARE, Entry
from bench.processes import ProcessFailed
from bench.systems.base import AUTHORITY

UNCOMPRESSED = b"\0"
OK = 200


@dataclass(frozen=True)
class Seen:
    """Calls a second, and percentiles of the time from sending to the whole answer, in microseconds."""

    calls_per_s: float
    p50_us: float
    p99_us: float
    p999_us: float


def run(entry: Entry, shape: Shape, seconds: int) -> Seen:
    """Unary calls of `shape` for whole `seconds`, 1 or more. Raises ProcessFailed."""
    with tempfile.TemporaryDirectory(prefix="tulle-bench-") as name:
        message, log = Path(name) / "message", Path(name) / "log"
        message.write_bytes(UNCOMPRESSED + shape.payload.to_bytes(4, "big") + bytes(shape.payload))
        command = ["taskset", "-c", str(entry.core), *_command(entry, shape, seconds, message, log)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + SPARE, check=False)
        if done.returncode:
            raise ProcessFailed(f"h2load failed: {done.stderr.strip()[-300:]}")
        return read(done.stdout, log.read_text())


def read(summary: str, log: str) -> Seen:
    """What h2load printed and its log, a line a request: start (µs since the epoch), HTTP status, µs taken. The rate is
    of the log, since its own includes connecting. Raises ProcessFailed."""
    found = re.search(r"^requests: .* (\d+) succeeded, (\d+) failed, (\d+) errored", summary, re.MULTILINE)
    if not found or int(found.group(1)) < 2:
        raise ProcessFailed(f"h2load reports no answer: {summary.strip()[-300:]}")
    if int(found.group(2)):
        raise ProcessFailed(f"h2load: {found.group(2)} requests failed")
    answered = [tuple(int(number) for number in line.split("\t")) for line in log.splitlines()]
    good = [(start, took) for start, status, took in answered if status == OK]
    lasted = max(start + took for start, took in good) - min(start for start, _ in good)
    took = sorted(took for _, took in good)
    return Seen(len(good) * 1e6 / lasted, *(_at(took, share) for share in (0.5, 0.99, 0.999)))


def _command(entry: Entry, shape: Shape, seconds: int, message: Path, log: Path) -> list[str]:
    flags = {
        "-c": shape.connections,
        "-m": shape.streams,
        "-D": seconds,
        "-d": message,
        "--log-file": log,
    } | ({"--rps": f"{shape.rate / shape.connections:g}"} if shape.rate else {})
    headers = {":authority": AUTHORITY, "content-type": "application/grpc", "te": "trailers"}
    arguments = [str(part) for flag in flags.items() for part in flag]
    arguments += [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    return ["h2load", *arguments, f"http://127.0.0.1:{entry.port}{METHOD}"]


def _at(took: list[int], share: float) -> float:
    return float(took[min(int(len(took) * share), len(took) - 1)])
