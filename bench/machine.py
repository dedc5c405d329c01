"""Where figures come from: the machine, the commit, the programs themselves. A figure is compared with no other's."""

import hashlib
import os
import platform
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.load import BINARIES

ROOT = Path(__file__).parents[1]
PROGRAMS = tuple(BINARIES / name for name in ("tulle-backend", "tulle-loadgen", "tulle-l4"))
MEASURED = ("engine", "sidecar", "protos", "bench/src", "bench/systems")


@dataclass(frozen=True)
class Origin:
    """`commit` ends in "+" where sources of what is measured differ from it; `programs` is a digest of the binaries."""

    machine: str
    commit: str
    programs: str

    @classmethod
    def here(cls) -> "Origin":
        return cls(describe(), commit(), programs())


def describe() -> str:
    """ "2 cores of AMD EPYC, Linux 6.1.0" """
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    model = found.group(1).strip() if found else platform.machine()
    return f"{os.cpu_count()} cores of {model}, Linux {platform.release()}"


def commit() -> str:
    """The short hash, with "+" when the measured sources differ from it; "unknown" outside a checkout."""
    head = _git("rev-parse", "--short=10", "HEAD")
    if not head:
        return "unknown"
    return head + ("+" if _git("status", "--porcelain", "--", *MEASURED) else "")


def programs() -> str:
    """A digest of the engine and of the bench's programs, as they are now."""
    digest = hashlib.sha256()
    for path in (*sorted((ROOT / "sidecar").glob("_engine*.so")), *PROGRAMS):
        digest.update(path.read_bytes() if path.exists() else b"")
    return digest.hexdigest()[:12]


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""
