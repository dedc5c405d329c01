"""A whole sidecar, real engine included, beside the other side of the wire."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from protos.tulle.v1 import discovery_pb2, snapshot_pb2
from sidecar.address import HostPort
from sidecar.app import SidecarAddresses, SidecarConfig, serve
from tests.sidecar.authority import TRUST_DOMAIN, Authority, text
from tests.sidecar.other_side import OtherSide

LIMIT = 20
PAYMENTS, ORDERS = "shop/payments", "shop/orders"


def identity(service: str) -> str:
    return f"spiffe://{TRUST_DOMAIN}/{service}"


def own(service: str, revision: int) -> snapshot_pb2.Snapshot:
    """A snapshot that lets everybody of the mesh in and names nobody to call."""
    inbound = snapshot_pb2.Inbound(identity=identity(service), service=service, allow_by_default=True)
    return snapshot_pb2.Snapshot(revision=revision, trust_domain=TRUST_DOMAIN, inbound=inbound)


def calling(service: str, revision: int, target: str, inbound: str) -> snapshot_pb2.Snapshot:
    """As `own`, with `target` behind one endpoint at `inbound`."""
    at = HostPort.parse(inbound)
    snapshot = own(service, revision)
    snapshot.clusters.add(name=target).endpoints.add(
        id="one", address=at.host, port=at.port, identity=identity(target), weight=1, healthy=True
    )
    backend = snapshot_pb2.WeightedCluster(cluster=target, weight=1)
    route = snapshot_pb2.Route(name="default", backends=[backend])
    snapshot.services.add(name=target, authorities=[target.rpartition("/")[2]], routes=[route])
    return snapshot


@dataclass
class Running:
    """A sidecar that is ready."""

    addresses: SidecarAddresses
    stop: asyncio.Event
    task: asyncio.Task[None]

    async def get(self, path: str) -> tuple[int, bytes]:
        to = HostPort.parse(self.addresses.admin)
        reader, writer = await asyncio.open_connection(to.host, to.port)
        writer.write(f"GET {path} HTTP/1.1\r\n\r\n".encode())
        head, _, body = (await asyncio.wait_for(reader.read(), LIMIT)).partition(b"\r\n\r\n")
        writer.close()
        await writer.wait_closed()
        return int(head.split(b" ")[1]), body

    async def described(self) -> dict[str, Any]:
        described: dict[str, Any] = json.loads((await self.get("/describe"))[1])
        return described


@dataclass
class Bench:
    """What a sidecar of a test is started with."""

    authority: Authority
    other_side: OtherSide
    folder: Path
    service: str
    settings: dict[str, Any] = field(default_factory=dict)
    before_shutdown: Callable[[], Awaitable[None]] | None = None

    def config(self) -> SidecarConfig:
        token = text(self.authority.token(self.service, self.other_side.address))
        defaults: dict[str, Any] = {
            "outbound": "127.0.0.1:0",
            "admin": "127.0.0.1:0",
            "token": token,
            "state_dir": self.folder,
            "grace": timedelta(seconds=5),
            "workers": 1,
            "otlp": False,
        }
        return SidecarConfig(service=self.service, **defaults | self.settings)

    @asynccontextmanager
    async def start(self) -> AsyncIterator[Running]:
        """Runs the sidecar; leaving stops it in order."""
        ready: asyncio.Future[SidecarAddresses] = asyncio.get_running_loop().create_future()
        stop = asyncio.Event()
        serving = serve(self.config(), ready.set_result, stop, before_shutdown=self.before_shutdown)
        task = asyncio.create_task(serving)
        try:
            task.add_done_callback(lambda ended: ready.done() or ready.cancel())
            yield Running(await asyncio.wait_for(ready, LIMIT), stop, task)
        finally:
            # Where it did not start, its own error is the one to see.
            stop.set()
            await asyncio.wait_for(task, LIMIT)

    async def heard(self) -> discovery_pb2.WatchRequest:
        return await asyncio.wait_for(self.other_side.discoveries.heard.get(), LIMIT)
