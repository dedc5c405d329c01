"""A real process, killed with SIGKILL while it writes: whatever it said was written is there."""

import asyncio
import signal
import sys
from pathlib import Path

from control_plane.store.sqlite import SqliteStore
from tests.control_plane.control_plane_harness import JumpingClock, within

WRITER = """
import asyncio, sys
from pathlib import Path
from control_plane.clock import SystemClock
from control_plane.store.base import Put, Transaction
from control_plane.store.sqlite import SqliteStore

async def main():
    store = await SqliteStore.open(Path(sys.argv[1]), SystemClock())
    number = store.revision
    while True:
        number += 1
        revision = await store.commit(Transaction((Put(f"/n/{number:08}", b"x" * 100), Put("/last", b"%d" % number))))
        print(revision, flush=True)

asyncio.run(main())
"""


async def acknowledged_before_kill(path: Path, lines: int) -> int:
    """Start the writer, kill it after some lines, and give the last revision that it acknowledged."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, str(path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    told = [await within(process.stdout.readline()) for _ in range(lines)]
    process.send_signal(signal.SIGKILL)
    rest, _ = await within(process.communicate())
    told += [line for line in rest.splitlines(keepends=True) if line.endswith(b"\n")]
    return int(told[-1])


async def test_an_acknowledged_write_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    for lines in (20, 60, 120):
        acknowledged = await acknowledged_before_kill(path, lines)
        store = await SqliteStore.open(path, JumpingClock())
        try:
            revision, entries = await store.range("/n/")
            assert revision >= acknowledged
            assert [entry.mod_revision for entry in entries] == list(range(1, revision + 1))
            last = await store.get("/last")
            assert last is not None
            assert int(last.value) == revision, "a transaction is there whole or not at all"
        finally:
            await store.close()
