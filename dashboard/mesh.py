"""The mesh as every page sees it: one immutable view, replaced whole by the feed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from dashboard.health import Health
from dashboard.placement import Place
from dashboard.steady import Standing
from protos.tulle.v1.telemetry_pb2 import Event, Topology, TopologyEdge, TopologyNode

EXTERNAL = "external"
Pair = tuple[str, str]


class LinkState(StrEnum):
    """Connecting => (Up | Down); Up => Down; Down => Up."""

    CONNECTING = "connecting"
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True)
class Link:
    """The connection to the control plane: its state, since when, and why it is down."""

    state: LinkState
    since: datetime
    detail: str = ""


@dataclass(frozen=True)
class Shape:
    """What is drawn and where; the version grows only when nodes or edges come or go."""

    version: int = 0
    nodes: tuple[str, ...] = ()
    edges: tuple[Pair, ...] = ()
    places: Mapping[str, Place] = field(default_factory=dict)
    bends: Mapping[Pair, tuple[Place, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class MeshView:
    """Everything known at one moment. ``number`` grows with each view."""

    number: int
    link: Link
    topology: Topology = field(default_factory=Topology)
    shape: Shape = field(default_factory=Shape)
    standings: Mapping[str, Standing] = field(default_factory=dict)
    edge_standings: Mapping[Pair, Standing] = field(default_factory=dict)
    rates: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    changed: Mapping[str, datetime] = field(default_factory=dict)
    events: tuple[Event, ...] = ()

    @property
    def services(self) -> list[TopologyNode]:
        """Nodes of the mesh, without callers from outside."""
        return [node for node in self.topology.nodes if node.service != EXTERNAL]

    @property
    def seen(self) -> bool:
        """True once a topology has come."""
        return self.topology.time_unix_ms > 0

    def node(self, service: str) -> TopologyNode | None:
        """The node of that name."""
        return next((node for node in self.topology.nodes if node.service == service), None)

    def edge(self, source: str, target: str) -> TopologyEdge | None:
        """The edge between the two."""
        return next((e for e in self.topology.edges if (e.source, e.target) == (source, target)), None)

    def health(self, service: str) -> Health:
        """The health shown for a service; unknown where nothing was judged."""
        standing = self.standings.get(service)
        return standing.health if standing else Health.UNKNOWN
