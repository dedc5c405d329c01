"""Runs a suite many times, within a time, and counts what failed; the first output of each failure is kept."""

import os
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.flakes.suites import Suite


@dataclass
class Found:
    """How often a suite ran, and what failed in it how often."""

    runs: int = 0
    failures: Counter[str] = field(default_factory=Counter)


class NotBuilt(Exception):
    """What a suite tests could not be built; the text is the end of what the build said."""


def build(suite: Suite) -> None:
    """Builds what the suite needs.

    Raises:
        NotBuilt: the build failed.
    """
    if not suite.build:
        return
    done = subprocess.run(suite.build, cwd=suite.folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotBuilt(f"{suite.name} cannot be built: {done.stderr[-2000:]}")


def repeat(suite: Suite, times: int, until: float, folder: Path, tell: Callable[[str], None]) -> Found:
    """At most so many times, and none that would end after `until` (of `time.monotonic`)."""
    found = Found()
    while found.runs < times and time.monotonic() < until:
        began = time.monotonic()
        output, code = once(suite, until - began)
        found.runs += 1
        failed = named(suite, output, code)
        found.failures.update(failed)
        for name in failed:
            keep(folder, name, output)
        tell(f"{suite.name} {found.runs}/{times}: {', '.join(failed) or 'ok'}, {time.monotonic() - began:.0f} s")
    return found


def once(suite: Suite, limit: float) -> tuple[str, int | None]:
    """What one run printed and its exit code, or None where its time was over."""
    process = subprocess.Popen(
        suite.command,
        cwd=suite.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        # The group is its own: what the tests started goes with it.
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        return output, None
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    return output, process.returncode


def named(suite: Suite, output: str, code: int | None) -> list[str]:
    """What failed, each once; a run that ends badly and names no test is named by its suite."""
    failed = list(dict.fromkeys(suite.failed(output)))
    if code is None:
        return [*failed, f"{suite.name}: not done when the time was over"]
    if code and not failed:
        return [f"{suite.name}: ended with {code} and named no test"]
    return failed


def keep(folder: Path, name: str, output: str) -> None:
    """The first failing output of each name stays."""
    path = kept(folder, name)
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(output)


def kept(folder: Path, name: str) -> Path:
    """Where the output of a failure lies."""
    return folder / f"{re.sub(r'[^A-Za-z0-9_.]+', '-', name)[-150:]}.txt"
