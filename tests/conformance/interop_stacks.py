"""The stacks that meet in gRPC's interop cases: how each one's client runs a case, how each one's server starts."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.conformance.toolchain import PEERS, GoInterop

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
GO = "grpc-go"
# Load reports come to the client by a balancer of the test's own, which its service config names.
_ORCA = '-service_config_json={"loadBalancingConfig":[{"test_backend_metrics_load_balancer":{}}]}'
_OF_GO = {"rpc_soak": (), "channel_soak": (), "orca_per_rpc": (_ORCA,), "orca_oob": (_ORCA,)}
_OF_ITS_SERVER = ("orca_per_rpc", "orca_oob")


@dataclass(frozen=True)
class Client:
    """`command(case, address)` runs one case and exits 0 when it passes."""

    name: str
    cases: tuple[str, ...]
    command: Callable[[str, str], Sequence[str]]

    def cases_with(self, server: "Server") -> tuple[str, ...]:
        """Only grpc-go's server reports its load."""
        return tuple(case for case in self.cases if server.name == GO or case not in _OF_ITS_SERVER)


@dataclass(frozen=True)
class Server:
    """`command(port)` serves until it is ended."""

    name: str
    command: Callable[[int], Sequence[str]]


def clients(programs: GoInterop, packages: Path) -> tuple[Client, ...]:
    """grpc-go's own, and ours for grpcio and @grpc/grpc-js; `packages` is where npm's are installed."""

    def go(case: str, address: str) -> list[str]:
        host, _, port = address.rpartition(":")
        target = [f"-server_host={host}", f"-server_port={port}"]
        return [str(programs.client), *target, f"-test_case={case}", *_OF_GO.get(case, ())]

    return (
        Client(GO, (*EVERYWHERE, *_OF_GO), go),
        Client("grpcio", EVERYWHERE, lambda case, address: [*_python("client"), case, address]),
        Client("grpc-js", EVERYWHERE, lambda case, address: [*_js(packages, "client"), case, address]),
    )


def servers(programs: GoInterop, packages: Path) -> tuple[Server, ...]:
    """The same three."""
    return (
        Server(GO, lambda port: [str(programs.server), "-port", str(port)]),
        Server("grpcio", lambda port: [*_python("server"), str(port)]),
        Server("grpc-js", lambda port: [*_js(packages, "server"), str(port)]),
    )


def _python(role: str) -> list[str]:
    return [sys.executable, "-m", f"tests.conformance.peers.python_{role}"]


def _js(packages: Path, role: str) -> list[str]:
    return ["env", f"NODE_PATH={packages}", "node", str(PEERS / "js" / f"{role}.js")]
