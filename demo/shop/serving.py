"""How a service of the shop is served: flags, health, one ready line, a graceful stop."""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import grpc.aio
from grpc_health.v1 import health, health_pb2_grpc

GRACE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class ServiceFlags:
    """What every service is told on its command line."""

    name: str
    port: int
    data: Path
    version: str
    domain: str

    def upstream(self, service: str) -> str:
        """The plain name that `service` is called by, as without any mesh: "payments.shop:50051"."""
        return f"{service}.{self.domain}"


Register = Callable[[grpc.aio.Server, ServiceFlags], Awaitable[Callable[[], Awaitable[None]] | None]]
"""Adds a service to a server; what it returns, if anything, is awaited at the stop."""


def main(name: str, register: Register) -> None:
    """Serve until SIGTERM or SIGINT; the process's exit code is 0 then."""
    asyncio.run(serve(read_flags(name, sys.argv[1:]), register))


def read_flags(name: str, arguments: list[str]) -> ServiceFlags:
    """The flags of service `name`; a wrong one ends the process with code 2 and names itself."""
    parser = argparse.ArgumentParser(prog=f"demo.shop.{name}")
    parser.add_argument("--port", type=int, default=0, help="loopback port, 0: any free one")
    parser.add_argument(
        "--data", type=Path, default=Path(".tulle/demo/data"), help="folder of the service's SQLite file"
    )
    parser.add_argument("--version", choices=("v1", "v2"), default="v1")
    parser.add_argument("--domain", default="shop:50051", help="what follows a service's name when it is called")
    given = parser.parse_args(arguments)
    given.data.mkdir(parents=True, exist_ok=True)
    return ServiceFlags(name, given.port, given.data, given.version, given.domain)


async def serve(flags: ServiceFlags, register: Register) -> None:
    """Bind, register, say ready, wait for a signal, leave in order."""
    server = grpc.aio.server()
    at_stop = await register(server, flags)
    health_pb2_grpc.add_HealthServicer_to_server(health.aio.HealthServicer(), server)
    port = server.add_insecure_port(f"127.0.0.1:{flags.port}")
    await server.start()
    print(json.dumps({"ready": flags.name, "address": f"127.0.0.1:{port}", "version": flags.version}), flush=True)  # noqa: T201 - stdout is data
    await _signalled()
    await server.stop(GRACE_SECONDS)
    if at_stop is not None:
        await at_stop()


async def _signalled() -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()
