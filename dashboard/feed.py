"""The feed: one WatchTopology for the whole process, shared by all tabs; the newest view wins, none queue.

Connecting => Up on the first topology; Up => Down when the stream ends or falls silent; Down => Up with the next
topology. While it is down the last view stays, marked as old.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import grpc
import grpc.aio

from dashboard.judging import judge_topology
from dashboard.mesh import Link, LinkState, MeshView, Shape
from dashboard.placement import place
from protos.tulle.v1.telemetry_pb2 import Event, ListEventsRequest, Topology, TopologyRequest

if TYPE_CHECKING:
    from protos.tulle.v1.telemetry_pb2_grpc import TelemetryQueryAsyncStub

log = logging.getLogger(__name__)
_SPARK_POINTS = 60
_EVENTS = 50


@dataclass(frozen=True)
class FeedPace:
    """How often things happen; judge is the recomputation of health (design: 2 s)."""

    window: timedelta
    period: timedelta
    judge: timedelta = timedelta(seconds=2)
    events: timedelta = timedelta(seconds=2)
    retry: timedelta = timedelta(milliseconds=500)

    @property
    def silence(self) -> float:
        """Seconds without a topology after which the stream counts as dead."""
        return max(5.0, 5 * self.period.total_seconds())


class Feed:
    """Keeps the newest MeshView. ``now`` gives the wall time in UTC, ``clock`` monotonic seconds."""

    def __init__(
        self,
        query: "TelemetryQueryAsyncStub",
        pace: FeedPace,
        now: Callable[[], datetime],
        clock: Callable[[], float],
    ) -> None:
        self._query = query
        self.pace = pace
        self._now = now
        self._clock = clock
        self._view = MeshView(0, Link(LinkState.CONNECTING, now()))
        self._judged_at: float | None = None
        self._health_events: deque[Event] = deque(maxlen=_EVENTS)
        self._told_events: tuple[Event, ...] = ()
        self._fresh = asyncio.Event()

    @property
    def view(self) -> MeshView:
        """The newest view."""
        return self._view

    async def newer(self, than: int, patience: timedelta) -> MeshView:
        """The newest view once its number is over ``than``, or the same one when patience ends."""
        if self._view.number <= than:
            # The event of the moment: it is replaced with each publication, so nobody can miss one.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience.total_seconds()):
                    await self._fresh.wait()
        return self._view

    async def run(self) -> None:
        """Follows topology and events until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_topology())
            group.create_task(self._follow_events())

    async def _follow_topology(self) -> None:
        while True:
            try:
                await self._watch()
                self._lost("the control plane ended the stream")
            except grpc.aio.AioRpcError as error:
                self._lost(_cause(error))
            except TimeoutError:
                self._lost(f"no telemetry for {self.pace.silence:.0f} s")
            await asyncio.sleep(self.pace.retry.total_seconds())

    async def _watch(self) -> None:
        request = TopologyRequest(
            window_ms=int(self.pace.window / timedelta(milliseconds=1)),
            period_ms=int(self.pace.period / timedelta(milliseconds=1)),
        )
        call = self._query.WatchTopology(request, wait_for_ready=False)
        stream = aiter(call)
        try:
            while True:
                # Not wait_for: before Python 3.12 it swallows a cancellation that meets a finished read (bpo-37658).
                async with asyncio.timeout(self.pace.silence):
                    topology = await anext(stream)
                self.accept(topology)
        except StopAsyncIteration:
            return
        finally:
            call.cancel()

    async def _follow_events(self) -> None:
        while True:
            with contextlib.suppress(grpc.aio.AioRpcError):  # the topology stream tells of a lost control plane
                reply = await self._query.ListEvents(ListEventsRequest(limit=_EVENTS), timeout=2.0)
                self._told_events = tuple(reply.events)
            await asyncio.sleep(self.pace.events.total_seconds())

    def accept(self, topology: Topology) -> None:
        """Publishes the view that this topology makes."""
        before, now = self._view, self._now()
        link = before.link if before.link.state is LinkState.UP else Link(LinkState.UP, now)
        view = replace(
            before,
            link=link,
            topology=topology,
            shape=next_shape(before.shape, topology),
            rates=_next_rates(before.rates, topology),
            events=self._events(),
        )
        if self._due() or view.shape is not before.shape:
            judgement = judge_topology(before, topology, now)
            self._health_events.extendleft(judgement.events)
            changed = {**before.changed, **{event.subject: now for event in judgement.events}}
            view = replace(view, standings=judgement.nodes, edge_standings=judgement.edges, changed=changed)
        self._publish(view)

    def _due(self) -> bool:
        at = self._clock()
        # A frame's jitter must not make it skip to the frame after.
        slack = self.pace.period.total_seconds() / 2
        if self._judged_at is not None and at - self._judged_at < self.pace.judge.total_seconds() - slack:
            return False
        self._judged_at = at
        return True

    def _lost(self, cause: str) -> None:
        before = self._view.link
        since = before.since if before.state is LinkState.DOWN else self._now()
        if before.state is not LinkState.DOWN:
            log.warning("control plane lost: %s", cause)
        self._publish(replace(self._view, link=Link(LinkState.DOWN, since, cause)))

    def _events(self) -> tuple[Event, ...]:
        both = [*self._told_events, *self._health_events]
        return tuple(sorted(both, key=lambda event: -event.time_unix_ms)[:_EVENTS])

    def _publish(self, view: MeshView) -> None:
        self._view = replace(view, number=self._view.number + 1)
        waiting, self._fresh = self._fresh, asyncio.Event()
        waiting.set()


def next_shape(before: Shape, topology: Topology) -> Shape:
    """The same shape while the same nodes and edges are there, else a new one, placed anew.

    An edge whose end is no node of the topology is left out: it could not be drawn.
    """
    nodes = tuple(sorted({node.service for node in topology.nodes}))
    known = set(nodes)
    pairs = {(edge.source, edge.target) for edge in topology.edges}
    edges = tuple(sorted(pair for pair in pairs if known.issuperset(pair)))
    if (nodes, edges) == (before.nodes, before.edges):
        return before
    drawing = place(nodes, edges)
    return Shape(before.version + 1, nodes, edges, drawing.places, drawing.bends)


def _next_rates(before: Mapping[str, tuple[float, ...]], topology: Topology) -> dict[str, tuple[float, ...]]:
    return {
        node.service: (*before.get(node.service, ())[-(_SPARK_POINTS - 1) :], node.inbound.rate)
        for node in topology.nodes
    }


def _cause(error: grpc.aio.AioRpcError) -> str:
    code = error.code().name
    return f"{code}: {error.details() or 'no details'}"


def utc_now() -> datetime:
    """The wall clock of production."""
    return datetime.now(UTC)
