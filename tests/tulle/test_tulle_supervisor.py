"""Child processes: ready lines, deaths told by name, nothing left behind."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tulle.child import Child, Spawn
from tulle.errors import NotStarted
from tulle.supervisor import Member, Supervisor

READY = "import json, signal, time; print(json.dumps({'ready': 'x', 'address': 'a:1'}), flush=True); signal.pause()"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {READY}"
DEADLINE = 20.0


def python(program: str, *, piped: bool = True) -> Spawn:
    return Spawn([sys.executable, "-c", program], dict(os.environ), piped=piped)


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def gone(pid: int) -> None:
    descriptor = os.pidfd_open(pid) if alive(pid) else None
    if descriptor is None:
        return
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(descriptor, ended.set)
    try:
        async with asyncio.timeout(DEADLINE):
            await ended.wait()
    finally:
        asyncio.get_running_loop().remove_reader(descriptor)
        os.close(descriptor)


async def test_a_ready_line_is_data_and_the_end_leaves_no_process(tmp_path: Path) -> None:
    async with Supervisor(tmp_path, grace_seconds=5) as supervisor:
        running = await supervisor.start(Member("x", python(READY)))
        assert await running.ready(DEADLINE) == {"ready": "x", "address": "a:1"}
        pid = running.child.process.pid
        assert alive(pid)
    assert not alive(pid)


async def test_one_that_dies_before_it_is_ready_is_named_with_its_last_lines(tmp_path: Path) -> None:
    async with Supervisor(tmp_path, grace_seconds=5) as supervisor:
        program = "import sys; print('the port is busy', file=sys.stderr); sys.exit(3)"
        running = await supervisor.start(Member("payments-b", python(program)))
        with pytest.raises(NotStarted) as caught:
            await running.ready(DEADLINE)
    assert "payments-b exited with code 3 before it was ready" in str(caught.value)
    assert "payments-b | the port is busy" in str(caught.value)


async def test_the_first_to_end_is_told(tmp_path: Path) -> None:
    async with Supervisor(tmp_path, grace_seconds=5) as supervisor:
        first = await supervisor.start(Member("a", python(READY)))
        second = await supervisor.start(Member("b", python(READY)))
        await asyncio.gather(first.ready(DEADLINE), second.ready(DEADLINE))
        second.child.signal(signal.SIGKILL)
        async with asyncio.timeout(DEADLINE):
            ended = await supervisor.first_end()
        assert ended.member.name == "b"
        assert str(ended.ended.result()) == "was ended by SIGKILL"


async def test_one_that_ignores_sigterm_is_killed_after_its_grace(tmp_path: Path) -> None:
    async with Supervisor(tmp_path, grace_seconds=0.2) as supervisor:
        running = await supervisor.start(Member("deaf", python(DEAF)))
        await running.ready(DEADLINE)
    assert running.ended.result().code == 128 + signal.SIGKILL


async def test_a_shells_own_children_end_with_it(tmp_path: Path) -> None:
    program = (
        "import json, signal, subprocess, sys;"
        "inner = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()']);"
        "print(json.dumps({'ready': 'x', 'inner': inner.pid}), flush=True); signal.pause()"
    )
    async with Supervisor(tmp_path, grace_seconds=5) as supervisor:
        running = await supervisor.start(Member("shell", python(program)))
        inner = (await running.ready(DEADLINE))["inner"]
    await gone(inner)
    assert not alive(inner)


async def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent_program = (
        "import asyncio, os, sys\n"
        "from tulle.child import Child, Spawn\n"
        "async def main():\n"
        "    program = 'import os, signal; print(os.getpid(), flush=True); signal.pause()'\n"
        "    spawn = Spawn([sys.executable, '-c', program], dict(os.environ))\n"
        "    await (await Child.start(spawn)).wait()\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", parent_program, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    assert parent.stdout is not None
    async with asyncio.timeout(DEADLINE):
        child = int(await parent.stdout.readline())
    parent.kill()
    await parent.wait()
    await gone(child)
    assert not alive(child)


async def test_a_command_that_does_not_exist_ends_with_127_and_says_so(capfd: pytest.CaptureFixture[str]) -> None:
    child = await Child.start(Spawn(["no-such-command-here"], dict(os.environ)))
    assert (await child.wait()).code == 127
    assert (
        capfd.readouterr().err == "error[not_started]: no-such-command-here: no such command, or no such interpreter\n"
    )
