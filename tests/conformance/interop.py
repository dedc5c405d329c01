"""gRPC's interop cases, each stack's client with each stack's server: what passes through two sidecars is what passes
without them."""

import subprocess
import time
from collections.abc import Sequence
from contextlib import ExitStack

from tests.conformance.both_ways import AGAIN, judge, settled
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
    """One case both ways."""
    row = _once(client, server, case, direct, meshed)
    for _ in range(AGAIN):
        if row.reason:
            row = settled(row, _once(client, server, case, direct, meshed))
    return row


def _once(client: Client, server: Server, case: str, direct: str, meshed: str) -> Result:
    begun = time.monotonic()
    without, through = _outcome(client, case, direct), _outcome(client, case, meshed)
    return judge(f"interop {client.name} to {server.name}", case, without, through, time.monotonic() - begun)


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
