"""gRPC's interop cases, each stack's client with each stack's server: what passes through two sidecars is what passes
without them."""

import subprocess
import time
from collections.abc import Sequence
from contextlib import ExitStack

from tests.conformance.interop_stacks import Client, Server
from tests.conformance.lane import Lane, upstream_address
from tests.conformance.ports import free_port, wait_for
from tests.conformance.result import Result
from tests.support.mesh import Member
from tests.support.process import ROOT, Child

LIMIT = 60.0  # seconds for a case


def run(lane: Lane, clients: Sequence[Client], servers: Sequence[Server]) -> list[Result]:
    """Every case of every client against every server, straight and through the pair with mTLS."""
    caller = lane.caller_of(*(server.name for server in servers))
    return [result for server in servers for result in _against(lane, caller, server, clients)]


def _against(lane: Lane, caller: Member, server: Server, clients: Sequence[Client]) -> list[Result]:
    port = free_port()
    with ExitStack() as ends:
        child = Child.start(f"interop-{server.name}", list(server.command(port)), lane.folder)
        ends.callback(child.kill)
        wait_for(child, port)
        lane.beside(server.name, port)
        lane.reaches_any(caller, server.name)
        direct, meshed = f"127.0.0.1:{port}", upstream_address(caller, server.name)
        return [
            compare(client, server, case, direct, meshed) for client in clients for case in client.cases_with(server)
        ]


def compare(client: Client, server: Server, case: str, direct: str, meshed: str) -> Result:
    """A pass is the same outcome both ways; one that fails both ways is noted."""
    begun = time.monotonic()
    without, through = _outcome(client, case, direct), _outcome(client, case, meshed)
    reason = note = ""
    if bool(without) != bool(through):
        reason = f"without the mesh: {without or 'passes'}; with it: {through or 'passes'}"
    elif without:
        note = f"fails with the mesh and without: {without}"
    return Result(f"interop {client.name} to {server.name}", case, reason, time.monotonic() - begun, note)


def _outcome(client: Client, case: str, address: str) -> str:
    """Empty for a pass, else the last words of the client."""
    try:
        done = subprocess.run(
            client.command(case, address), capture_output=True, text=True, timeout=LIMIT, check=False, cwd=ROOT
        )
    except subprocess.TimeoutExpired:
        return f"no end within {LIMIT:g} s"
    if not done.returncode:
        return ""
    lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
    return lines[-1][-300:]
