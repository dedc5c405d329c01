"""The suites that are run again and again, and the names of what failed in what they print."""

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
CRATES = ("http2", "mesh", "proxy", "sim")
FAST_ROOMS = ("architecture", "control_plane", "dashboard", "sidecar", "tulle")

Names = Callable[[str], list[str]]


@dataclass(frozen=True)
class Suite:
    """One command that tests something; `build` makes what it needs, and is not counted."""

    name: str
    command: tuple[str, ...]
    folder: Path
    failed: Names
    build: tuple[str, ...] = ()


class UnknownSuite(Exception):
    """No suite has this name; the text lists those there are."""


def rust_failures(output: str) -> list[str]:
    """Tests that cargo called FAILED, each behind its binary's name."""
    binary, failed = "", []
    for line in output.splitlines():
        if running := re.search(r"Running .*\(.*/([^/]+)-[0-9a-f]+\)", line):
            binary = running[1]
        elif test := re.match(r"test (.+) \.\.\. FAILED$", line):
            failed.append(f"{binary}::{test[1]}")
    return failed


def pytest_failures(output: str) -> list[str]:
    """Tests and fixtures in pytest's short summary."""
    return re.findall(r"^(?:FAILED|ERROR) (\S+)", output, re.MULTILINE)


def crate(name: str) -> Suite:
    test = ("cargo", "test", "--locked", "-p", f"tulle-{name}")
    return Suite(name, (*test, "--no-fail-fast"), ROOT / "engine", rust_failures, (*test, "--no-run"))


def python() -> Suite:
    rooms = [f"tests/{room}" for room in FAST_ROOMS]
    chosen = ("-m", "not real and not browser", "-p", "no:cacheprovider")
    return Suite("python", (sys.executable, "-m", "pytest", "-q", *chosen, *rooms), ROOT, pytest_failures)


def chosen(names: list[str]) -> list[Suite]:
    """Suites by name; `rust` is all crates.

    Raises:
        UnknownSuite: a name is none of these.
    """
    known = {**{name: [crate(name)] for name in CRATES}, "python": [python()], "rust": [crate(name) for name in CRATES]}
    for name in names:
        if name not in known:
            raise UnknownSuite(f"{name} is no suite; the suites are {', '.join(known)}")
    return list({suite.name: suite for name in names for suite in known[name]}.values())
