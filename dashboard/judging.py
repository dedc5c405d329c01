"""The judge of a whole topology: verdicts settled over time, and an event for each change of a service's health."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from dashboard.health import judge
from dashboard.mesh import EXTERNAL, MeshView, Pair
from dashboard.queries import edge_evidence, node_evidence
from dashboard.steady import Standing, settle
from protos.tulle.v1.telemetry_pb2 import Event, Topology


@dataclass(frozen=True)
class Judgement:
    """Standings of all nodes and edges, and what changed since the one before."""

    nodes: Mapping[str, Standing]
    edges: Mapping[Pair, Standing]
    events: tuple[Event, ...]


def judge_topology(before: MeshView, topology: Topology, now: datetime) -> Judgement:
    """Judges every node and edge once; what has gone from the topology is forgotten."""
    nodes = {
        node.service: settle(before.standings.get(node.service), judge(node_evidence(node), now))
        for node in topology.nodes
    }
    by_name = {node.service: node for node in topology.nodes}
    edges = {}
    for edge in topology.edges:
        pair = (edge.source, edge.target)
        verdict = judge(edge_evidence(edge, by_name.get(edge.target)), now)
        edges[pair] = settle(before.edge_standings.get(pair), verdict)
    changes = [
        _event(name, before.standings[name], standing, now)
        for name, standing in nodes.items()
        if name in before.standings and name != EXTERNAL and before.standings[name].health != standing.health
    ]
    return Judgement(nodes, edges, tuple(changes))


def _event(name: str, before: Standing, after: Standing, now: datetime) -> Event:
    return Event(
        time_unix_ms=int(now.timestamp() * 1000),
        kind="health",
        subject=name,
        message=f"{before.health} → {after.health}: {after.shown.why}",
    )
