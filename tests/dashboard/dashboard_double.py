"""The other side of the wire: a real grpc.aio server with mTLS that tells whatever story a test sets."""

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import grpc.aio
from google.protobuf import json_format

from protos.tulle.v1 import telemetry_pb2 as pb
from protos.tulle.v1 import telemetry_pb2_grpc as rpc
from protos.tulle.v1.identity_pb2 import OperatorCredential
from tests.dashboard.dashboard_authority import Authority
from tests.dashboard.dashboard_shop import Story, golden, topology

BOUNDS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)


class ControlPlaneDouble(rpc.TelemetryQueryServicer):
    """Serves TelemetryQuery. ``tell`` makes the topology of the moment."""

    def __init__(self, tell: Callable[[int], pb.Topology] | None = None, port: int = 0) -> None:
        self.authority = Authority("tests")
        self.tell = tell or (lambda now_ms: topology(Story(now_ms)))
        self.watchers = 0
        self.port = port
        self._ended = asyncio.Event()
        self._told = asyncio.Condition()
        self._count = 0
        self._server: grpc.aio.Server | None = None

    async def start(self) -> None:
        """Binds the port, the same one again after a stop."""
        self._ended.clear()
        leaf, root = self.authority.server(), self.authority.root
        tls = grpc.ssl_server_credentials([(leaf.key, leaf.certificate)], root, require_client_auth=True)
        self._server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        rpc.add_TelemetryQueryServicer_to_server(self, self._server)
        self.port = self._server.add_secure_port(f"127.0.0.1:{self.port}", tls)
        await self._server.start()

    async def stop(self) -> None:
        """Ends every stream at once."""
        self._ended.set()
        if self._server is not None:
            await self._server.stop(None)
            self._server = None

    async def told_more(self, topologies: int) -> None:
        """Returns when so many more topologies have been sent."""
        target = self._count + topologies
        async with self._told:
            await asyncio.wait_for(self._told.wait_for(lambda: self._count >= target), 20.0)

    def credential(self) -> str:
        """The operator's credential file."""
        leaf = self.authority.operator()
        return json_format.MessageToJson(
            OperatorCredential(
                control_plane=f"127.0.0.1:{self.port}",
                root_pem=self.authority.root.decode(),
                certificate_pem=leaf.certificate.decode(),
                key_pem=leaf.key.decode(),
            )
        )

    async def WatchTopology(self, request: pb.TopologyRequest, context: Any) -> AsyncIterator[pb.Topology]:  # noqa: N802
        """A topology each period."""
        self.watchers += 1
        try:
            while True:
                yield self.tell(_now_ms())
                async with self._told:
                    self._count += 1
                    self._told.notify_all()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._ended.wait(), request.period_ms / 1000)
                    return
        finally:
            self.watchers -= 1

    async def GetTopology(self, request: pb.TopologyRequest, context: Any) -> pb.Topology:  # noqa: N802
        """The topology of the moment."""
        return self.tell(_now_ms())

    async def ListTraces(self, request: pb.ListTracesRequest, context: Any) -> pb.ListTracesResponse:  # noqa: N802
        """No traces."""
        return pb.ListTracesResponse()

    async def GetTrace(self, request: pb.GetTraceRequest, context: Any) -> pb.GetTraceResponse:  # noqa: N802
        """No trace."""
        return pb.GetTraceResponse()

    async def GetSeries(self, request: pb.SeriesRequest, context: Any) -> pb.SeriesResponse:  # noqa: N802
        """A wave over the range asked for."""
        reply = pb.SeriesResponse(bounds_ms=BOUNDS)
        for at in range(request.from_unix_ms, request.to_unix_ms, request.step_ms):
            wave = 40 + 25 * math.sin(at / 40_000)
            reply.time_unix_ms.append(at)
            reply.points.append(golden(Story(at, window_ms=request.step_ms), wave, 0.02))
            reply.heat.append(pb.HeatColumn(counts=[int(wave), int(2 * wave), int(wave), 9, 4, 1, 0, 0]))
        return reply

    async def GetStats(self, request: pb.StatsRequest, context: Any) -> pb.StatsResponse:  # noqa: N802
        """Two methods of each edge of the service."""
        told = self.tell(_now_ms())
        rows = [
            pb.StatRow(source=edge.source, target=edge.target, method=method, golden=edge.golden)
            for edge in told.edges
            if request.service in ("", edge.source, edge.target)
            for method in ("shop.v1.Shop/Get", "shop.v1.Shop/Put")
        ]
        return pb.StatsResponse(rows=rows)

    async def ListEvents(self, request: pb.ListEventsRequest, context: Any) -> pb.ListEventsResponse:  # noqa: N802
        """One event, a minute ago."""
        event = pb.Event(time_unix_ms=_now_ms() - 60_000, kind="apply", subject="revision 7", message="3 documents")
        return pb.ListEventsResponse(events=[event])


def _now_ms() -> int:
    return int(time.time() * 1000)
