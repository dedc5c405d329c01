"""A scenario under callgrind: instructions in `counting::inside` and below, over the calls that were carried."""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.steps.binary import BINARY, CannotCount

COUNTED = "*counting*inside*"
# What libc picks for any x86-64 processor. With ERMS callgrind would also count `rep movsb` byte by byte.
_WITHOUT = "AVX512F AVX512VL AVX2 AVX ERMS FSRM AVX_Fast_Unaligned_Load SSSE3 SSE4_1 SSE4_2 RTM MOVBE BMI2"
GENERIC = "glibc.cpu.hwcaps=" + ",".join(f"-{feature}" for feature in _WITHOUT.split())
LIMIT = 600.0  # seconds a scenario may take, where about one is usual on an idle machine
_TOTAL = re.compile(r"^totals: (\d+)$", re.MULTILINE)


def count_all(names: Iterable[str]) -> dict[str, float]:
    """Instructions a call by scenario; several run at once, for the count knows no time. Raises CannotCount."""
    wanted = list(names)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return dict(zip(wanted, pool.map(count, wanted), strict=True))


def count(name: str, planted: int = 0) -> float:
    """Instructions a call of one scenario; `planted` steps are added to each counted part. Raises CannotCount."""
    with tempfile.TemporaryDirectory(prefix="tulle-steps-") as folder:
        profile = Path(folder) / "profile"
        calls = run(name, profile, planted)
        return total(profile.read_text()) / calls


def run(name: str, profile: Path, planted: int = 0) -> int:
    """Run a scenario with its profile written to a file; gives the calls that were counted. Raises CannotCount."""
    command = ["valgrind", "--tool=callgrind", f"--toggle-collect={COUNTED}", f"--callgrind-out-file={profile}"]
    # Nothing else of the environment: its size moves the stack, and with it how memory is aligned.
    environment = {"PATH": os.environ.get("PATH", os.defpath), "GLIBC_TUNABLES": GENERIC}
    program = [str(BINARY), name, str(planted)]
    try:
        done = subprocess.run(
            command + program, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False
        )
    except FileNotFoundError as error:
        raise CannotCount("valgrind is missing: run make tools, or apt-get install valgrind") from error
    except subprocess.TimeoutExpired as error:
        raise CannotCount(
            f"{name} took more than {LIMIT:.0f} s under valgrind: is it stuck? Run {BINARY} {name}"
        ) from error
    if done.returncode:
        raise CannotCount(f"{name} failed under valgrind: {done.stderr.strip()[-500:]}")
    return int(done.stdout)


def total(profile: str) -> int:
    """All instructions of a profile. Raises CannotCount where there is none."""
    found = _TOTAL.search(profile)
    if found is None or int(found[1]) == 0:
        raise CannotCount(
            f"callgrind counted nothing in {COUNTED}: that must be a function of its own in bench/steps/src/counting.rs"
        )
    return int(found[1])
