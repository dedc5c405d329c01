"""Resident memory of a sidecar, as the kernel counts it (proc(5))."""

from pathlib import Path

from tests.support.mesh import Member

MIB = 1 << 20


def resident(member: Member) -> float:
    """MiB."""
    lines = Path(f"/proc/{member.sidecar.process.pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) * 1024 / MIB
