"""The kernel's counts of what processes do: system calls, context switches, instructions, by perf.

Counting system calls costs time, so these runs give no other figure. What a machine does not count (instructions, in
most virtual ones) is left out. Without perf, strace counts system calls, at a price that makes saturation another one.
"""

import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.processes import ProcessFailed
from bench.systems.base import Running

EVENTS = {"raw_syscalls:sys_enter": "syscalls", "context-switches": "switches", "instructions": "instructions"}
ATTACH_LIMIT = 5.0  # seconds


class Counting:
    """Counts from entering to leaving; then `counts` has them by name. Raises ProcessFailed."""

    def __init__(self, running: Running) -> None:
        self.counts: dict[str, float] = {}
        self._pids = [pid for process in running.processes for pid in process.pids()]
        self._out = tempfile.NamedTemporaryFile(prefix="tulle-bench-", suffix=".counts")  # noqa: SIM115
        self._uses_perf = _perf_counts()

    def __enter__(self) -> Self:
        pids = ",".join(str(pid) for pid in self._pids)
        if self._uses_perf:
            command = ["perf", "stat", "-x", ";", "-e", ",".join(EVENTS), "-o", self._out.name, "-p", pids]
        elif shutil.which("strace"):
            command = ["strace", "-c", "-f", "-q", "-o", self._out.name, *_each("-p", self._pids)]
        else:
            raise ProcessFailed("neither perf nor strace is here: apt-get install strace")
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self._wait_until_attached()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGINT)
        _, errors = self._process.communicate(timeout=ATTACH_LIMIT)
        text = Path(self._out.name).read_text()
        self._out.close()
        self.counts = of_perf(text) if self._uses_perf else of_strace(text)
        if not self.counts and kind is None:
            raise ProcessFailed(f"nothing was counted: {errors.decode(errors='replace').strip()[-300:]}")

    def _wait_until_attached(self) -> None:
        """strace says so in /proc; perf opens its counters before it does anything else that can be seen: its sleep."""
        deadline = time.monotonic() + ATTACH_LIMIT
        while time.monotonic() < deadline and self._process.poll() is None:
            if self._uses_perf and "perf_event" in _open_files(self._process.pid):
                return
            if not self._uses_perf and all(_is_traced(pid) for pid in self._pids):
                return
            time.sleep(0.02)
        if self._process.poll() is not None:
            raise ProcessFailed(f"counting ended at once: {self._process.stderr.read().decode()[-300:]}")  # type: ignore[union-attr]


def of_perf(text: str) -> dict[str, float]:
    """`perf stat -x ;`: value;unit;event;… a line; what is not counted says so in place of a value."""
    rows = [line.split(";") for line in text.splitlines() if line.count(";") > 2]
    return {EVENTS[row[2]]: float(row[0]) for row in rows if row[2] in EVENTS and _is_number(row[0])}


def of_strace(text: str) -> dict[str, float]:
    """`strace -c`: the line "total" has the number of calls in its column "calls"."""
    found = re.search(r"^\s*100\.00\s+\S+\s+(?:\d+\s+)?(\d+)\s+(?:\d+\s+)?total$", text, re.MULTILINE)
    return {"syscalls": float(found.group(1))} if found else {}


def _perf_counts() -> bool:
    if not shutil.which("perf"):
        return False
    command = ["perf", "stat", "-x", ";", "-e", "raw_syscalls:sys_enter", "true"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode == 0 and "syscalls" in of_perf(done.stderr)


def _open_files(pid: int) -> str:
    try:
        return " ".join(str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir())
    except FileNotFoundError:
        return ""


def _is_traced(pid: int) -> bool:
    try:
        found = re.search(r"TracerPid:\s*(\d+)", Path(f"/proc/{pid}/status").read_text())
    except FileNotFoundError:
        return True
    return bool(found and found.group(1) != "0")


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"\d+(\.\d+)?", text))


def _each(flag: str, values: list[int]) -> list[str]:
    return [part for value in values for part in (flag, str(value))]
