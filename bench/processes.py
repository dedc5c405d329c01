"""Processes kept to their cores, and their bill: CPU from the scheduler's own accounts, memory from the kernel."""

import json
import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

START_LIMIT = 30.0  # seconds until a port must accept
STOP_LIMIT = 5.0  # seconds between SIGTERM and SIGKILL


class ProcessFailed(Exception):
    """A process ended or did not listen in time; the text names it and shows its last lines."""


@dataclass(frozen=True)
class Pinned:
    """A child process kept to its cores, its output in a file."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def start(
        cls, name: str, command: list[str], core: int | str, folder: Path, more: dict[str, str] | None = None
    ) -> "Pinned":
        """`core` as taskset takes it, 0 or "0,1"; `more` goes into the environment."""
        log = folder / f"{name}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                ["taskset", "-c", str(core), *command],
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **(more or {})},
            )
        (folder / f"{name}.pid").write_text(str(process.pid))
        return cls(name, process, log)

    def pids(self) -> list[int]:
        """The process and everything below it (nginx works in a child)."""
        found, queue = [], [self.process.pid]
        while queue:
            pid = queue.pop()
            found.append(pid)
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                queue += [int(child) for child in _read(task).split()]
        return found

    def thread_seconds(self) -> dict[str, float]:
        """CPU used since its start by each thread that there is now, by its id (schedstat: nanoseconds on the run
        queue's own clock)."""
        tasks = [task for pid in self.pids() for task in Path(f"/proc/{pid}/task").iterdir()]
        return {task.name: int(_read(task / "schedstat").split()[0]) / 1e9 for task in tasks}

    def yield_to_all(self) -> None:
        """From now on it takes what others leave: nice 19, its threads too."""
        for pid in self.pids():
            for task in Path(f"/proc/{pid}/task").iterdir():
                os.setpriority(os.PRIO_PROCESS, int(task.name), 19)

    def rss_bytes(self) -> int:
        pages = [int(_read(Path(f"/proc/{pid}/statm")).split()[1]) for pid in self.pids()]
        return sum(pages) * os.sysconf("SC_PAGE_SIZE")

    def wait_for_port(self, port: int) -> None:
        deadline = time.monotonic() + START_LIMIT
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.02)
        raise ProcessFailed(f"{self.name} does not listen on port {port}: {self.last_lines()}")

    def ready(self) -> dict[str, str]:
        """The line of JSON by which a process says that it is ready."""
        deadline = time.monotonic() + START_LIMIT
        while time.monotonic() < deadline:
            for line in self.log.read_text(errors="replace").splitlines():
                if line.startswith("{") and '"ready"' in line:
                    parsed: dict[str, str] = json.loads(line)
                    return parsed
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise ProcessFailed(f"{self.name} is not ready: {self.last_lines()}")

    def last_lines(self) -> str:
        return " | ".join(self.log.read_text(errors="replace").splitlines()[-5:])

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(STOP_LIMIT)


def stop_all(folder: Path) -> None:
    """Stop what was started in `folder` and still runs: what a start that failed or was ended halfway has left."""
    started = {int(path.read_text()) for path in folder.glob("*.pid")}
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in started & _children():
            os.kill(pid, number)
        _wait_until_gone(started)


def free_port() -> int:
    """A port that was free a moment ago: the peers cannot report the one they were given."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_gone(started: set[int]) -> None:
    deadline = time.monotonic() + STOP_LIMIT
    while (left := started & _children()) and time.monotonic() < deadline:
        for pid in left:
            os.waitpid(pid, os.WNOHANG)
        time.sleep(0.02)


def _children() -> set[int]:
    """This process's own, so that a number that was given to somebody else is not taken for one."""
    return {int(pid) for task in Path("/proc/self/task").glob("*/children") for pid in task.read_text().split()}


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):  # a thread that has just ended has no bill any more
        return "0 0"
