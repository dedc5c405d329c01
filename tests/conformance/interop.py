"""gRPC's interop cases by several stacks: what passes through two sidecars is what passes without them."""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.conformance.lane import Lane, upstream_address
from tests.conformance.ports import free_port, wait_for
from tests.conformance.result import Result
from tests.conformance.toolchain import PEERS, GoInterop
from tests.support.process import ROOT, Child

LIMIT = 60.0  # seconds for a case
EVERYWHERE = (
    "empty_unary",
    "large_unary",
    "client_streaming",
    "server_streaming",
    "ping_pong",
    "empty_stream",
    "timeout_on_sleeping_server",
    "cancel_after_begin",
    "cancel_after_first_response",
    "status_code_and_message",
    "special_status_message",
    "custom_metadata",
    "unimplemented_method",
    "unimplemented_service",
)
# Load reports come to the client by a balancer of the test's own, which its service config names.
_ORCA = '-service_config_json={"loadBalancingConfig":[{"test_backend_metrics_load_balancer":{}}]}'
_OF_GO = {"rpc_soak": (), "channel_soak": (), "orca_per_rpc": (_ORCA,), "orca_oob": (_ORCA,)}

Command = Callable[[str, str], Sequence[str]]


@dataclass(frozen=True)
class Stack:
    """A client program: `command(case, address)` runs one case and exits 0 when it passes."""

    name: str
    cases: tuple[str, ...]
    command: Command


def go_stack(programs: GoInterop) -> Stack:
    """grpc-go's own client."""

    def command(case: str, address: str) -> list[str]:
        host, _, port = address.rpartition(":")
        target = [f"-server_host={host}", f"-server_port={port}"]
        return [str(programs.client), *target, f"-test_case={case}", *_OF_GO.get(case, ())]

    return Stack("grpc-go", (*EVERYWHERE, *_OF_GO), command)


def python_stack() -> Stack:
    """grpcio."""
    program = [sys.executable, "-m", "tests.conformance.peers.python_client"]
    return Stack("grpcio", EVERYWHERE, lambda case, address: [*program, case, address])


def js_stack(packages: Path) -> Stack:
    """@grpc/grpc-js; `packages` is where it is installed."""
    program = ["env", f"NODE_PATH={packages}", "node", str(PEERS / "js" / "client.js")]
    return Stack("grpc-js", EVERYWHERE, lambda case, address: [*program, case, address])


def run(lane: Lane, programs: GoInterop, stacks: Sequence[Stack]) -> list[Result]:
    """Every case of every stack against grpc-go's server, straight and through the pair with mTLS."""
    port = free_port()
    server = Child.start("interop-server", [str(programs.server), "-port", str(port)], lane.folder)
    try:
        wait_for(server, port)
        lane.beside("interop", port)
        caller = lane.caller_of("interop")
        lane.reaches_any(caller, "interop")
        direct, meshed = f"127.0.0.1:{port}", upstream_address(caller, "interop")
        return [compare(stack, case, direct, meshed) for stack in stacks for case in stack.cases]
    finally:
        server.kill()


def compare(stack: Stack, case: str, direct: str, meshed: str) -> Result:
    """A pass is the same outcome both ways; one that fails both ways is noted."""
    begun = time.monotonic()
    without, through = _outcome(stack, case, direct), _outcome(stack, case, meshed)
    reason = note = ""
    if bool(without) != bool(through):
        reason = f"without the mesh: {without or 'passes'}; with it: {through or 'passes'}"
    elif without:
        note = f"fails with the mesh and without: {without}"
    return Result(f"interop {stack.name}", case, reason, time.monotonic() - begun, note)


def _outcome(stack: Stack, case: str, address: str) -> str:
    """Empty for a pass, else the last words of the client."""
    try:
        done = subprocess.run(
            stack.command(case, address), capture_output=True, text=True, timeout=LIMIT, check=False, cwd=ROOT
        )
    except subprocess.TimeoutExpired:
        return f"no end within {LIMIT:g} s"
    if not done.returncode:
        return ""
    lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
    return lines[-1][-300:]
