"""What goes to a browser: the shape when it changes, and a compact frame of numbers in the shape's order.

The index constants of assets/frame.js name the same columns.
"""

from typing import Any

from dashboard.mesh import MeshView, Pair
from dashboard.placement import namespace
from dashboard.queries import BREAKER_WORDS, Split, split
from dashboard.wording import percent
from protos.tulle.v1.telemetry_pb2 import Golden, TopologyEdge, TopologyNode


def shape_data(view: MeshView) -> dict[str, Any]:
    """{"v", "nodes": [[name, namespace, x, y]], "edges": [[from index, to index, [[x, y] of each bend]]]}."""
    shape = view.shape
    index = {name: at for at, name in enumerate(shape.nodes)}
    return {
        "v": shape.version,
        "nodes": [[name, namespace(name), shape.places[name].x, shape.places[name].y] for name in shape.nodes],
        "edges": [
            [index[source], index[target], [[bend.x, bend.y] for bend in shape.bends.get((source, target), ())]]
            for source, target in shape.edges
        ],
    }


def frame_data(view: MeshView) -> dict[str, Any]:
    """{"v", "t", "link", "n": [a row a node], "e": [a row an edge]}."""
    nodes = {node.service: node for node in view.topology.nodes}
    edges = {(edge.source, edge.target): edge for edge in view.topology.edges}
    return {
        "v": view.shape.version,
        "number": view.number,
        "t": view.topology.time_unix_ms,
        "link": {
            "state": view.link.state.value,
            "since": int(view.link.since.timestamp() * 1000),
            "detail": view.link.detail,
        },
        "n": [_node_row(view, nodes[name]) for name in view.shape.nodes],
        "e": [_edge_row(view, edges[pair], pair) for pair in view.shape.edges],
    }


def _node_row(view: MeshView, node: TopologyNode) -> list[Any]:
    standing = view.standings.get(node.service)
    return [
        view.health(node.service).value,
        *_golden(node.inbound),
        standing.shown.why if standing else "",
        len(node.instances),
    ]


def _edge_row(view: MeshView, edge: TopologyEdge, pair: Pair) -> list[Any]:
    standing = view.edge_standings.get(pair)
    parts = split(edge)
    return [
        standing.health.value if standing else "unknown",
        *_golden(edge.golden),
        standing.shown.why if standing else "",
        edge.mtls,
        BREAKER_WORDS[edge.breaker],
        edge.golden.retries,
        _split_words(parts),
    ]


def _split_words(parts: list[Split]) -> str:
    """Short enough for a label: two on a line, the calls that no subset took as "other"."""
    if len(parts) < 2:
        return ""
    words = [f"{'other' if '/' in part.cluster else part.cluster} {percent(part.share)}" for part in parts]
    return "\n".join(" · ".join(words[at : at + 2]) for at in range(0, len(words), 2))


def _golden(golden: Golden) -> list[float]:
    figures = (golden.rate, golden.p50_ms, golden.p95_ms, golden.p99_ms)
    rate, p50, p95, p99 = (float(f"{figure:.4g}") for figure in figures)
    return [rate, golden.calls, golden.faults, golden.client_errors, p50, p95, p99]
