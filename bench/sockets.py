"""What the kernel tells of TCP connections on loopback (proc(5), /proc/net/tcp)."""

import time
from pathlib import Path

TABLE = Path("/proc/net/tcp")
ESTABLISHED = "01"
LIMIT = 5.0  # seconds


def wait_until_connected(port: int, count: int) -> None:
    """Until `count` connections stand at this local port, at most for `LIMIT`: who failed to connect says so itself."""
    deadline = time.monotonic() + LIMIT
    while established(TABLE.read_text(), port) < count and time.monotonic() < deadline:
        time.sleep(0.001)


def established(table: str, port: int) -> int:
    """How many established connections of the table have this local port."""
    rows = (line.split() for line in table.splitlines()[1:])
    return sum(row[1].endswith(f":{port:04X}") and row[3] == ESTABLISHED for row in rows)
