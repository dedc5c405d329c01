"""Where the nodes of the map stand: layers from left to right, callers left, one lane a namespace.

A small layered drawing (Sugiyama, Tagawa, Toda 1981): back edges are ignored, a node stands one layer right of its
rightmost caller, rows are ordered by the mean row of the neighbours (barycentre). An edge over several layers gets a
row of its own in each layer between and bends there, so that no edge hides behind a node. Pure and deterministic: the
same topology gives the same map, whatever the order it arrives in.
"""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

LAYER_WIDTH = 230
ROW_HEIGHT = 150
LANE_GAP = 90
MAX_ROWS = 12  # a taller layer goes on in a further column, so that a large fan stays readable
_SWEEPS = 8

Cells = dict[tuple[str, int], list[str]]  # names in order, by lane and layer


@dataclass(frozen=True)
class Place:
    """Centre of a node in the map's own units."""

    x: float
    y: float


@dataclass(frozen=True)
class Drawing:
    """A place for each node, and where edges bend on their way."""

    places: Mapping[str, Place]
    bends: Mapping[tuple[str, str], tuple[Place, ...]]


def place(nodes: Iterable[str], edges: Iterable[tuple[str, str]]) -> Drawing:
    """Draws the nodes. Edges with an unknown end, and from a node to itself, are ignored."""
    names = sorted(set(nodes))
    known = set(names)
    pairs = sorted({(a, b) for a, b in edges if a in known and b in known and a != b})
    layers = _layers(names, pairs)
    lanes = _lanes(names, pairs)
    chains = {pair: _chain(pair, layers) for pair in pairs}
    for (_, target), chain in chains.items():
        for layer, waypoint in chain:
            layers[waypoint], lanes[waypoint] = layer, lanes[target]
    cells = _cells(list(layers), _links(chains), layers, lanes)
    columns, tops = _layer_columns(cells), _lane_tops(cells)
    places = {}
    for (lane, layer), cell in cells.items():
        for index, name in enumerate(cell):
            x = (columns[layer] + index // MAX_ROWS) * LAYER_WIDTH
            places[name] = Place(x, tops[lane] + _row(index, len(cell), _tallest(cells, lane)) * ROW_HEIGHT)
    bends = {pair: tuple(places[waypoint] for _, waypoint in chain) for pair, chain in chains.items() if chain}
    return Drawing({name: places[name] for name in names}, bends)


def namespace(name: str) -> str:
    """The namespace of "namespace/name", "" for a caller outside the mesh."""
    return name.partition("/")[0] if "/" in name else ""


def _layers(names: list[str], pairs: list[tuple[str, str]]) -> dict[str, int]:
    """Longest path from the left, over the edges that close no circle."""
    callees: dict[str, list[str]] = {name: [] for name in names}
    called = {b for _, b in pairs}
    for a, b in pairs:
        callees[a].append(b)
    finished: list[str] = []
    state: dict[str, int] = {}
    forward: list[tuple[str, str]] = []
    for root in sorted(names, key=lambda name: (name in called, name)):
        _visit(root, callees, state, finished, forward)
    layers = dict.fromkeys(names, 0)
    incoming: dict[str, list[str]] = {name: [] for name in names}
    for a, b in forward:
        incoming[b].append(a)
    for name in reversed(finished):
        layers[name] = max((layers[a] + 1 for a in incoming[name]), default=0)
    return layers


def _visit(
    root: str,
    callees: Mapping[str, list[str]],
    state: dict[str, int],
    finished: list[str],
    forward: list[tuple[str, str]],
) -> None:
    """Depth first without recursion; an edge to a node still open closes a circle and is left out."""
    if root in state:
        return
    state[root] = 1
    stack = [(root, iter(callees[root]))]
    while stack:
        name, rest = stack[-1]
        following = next(rest, None)
        if following is None:
            stack.pop()
            state[name] = 2
            finished.append(name)
        elif state.get(following) != 1:
            forward.append((name, following))
            if following not in state:
                state[following] = 1
                stack.append((following, iter(callees[following])))


def _chain(pair: tuple[str, str], layers: Mapping[str, int]) -> list[tuple[int, str]]:
    """(layer, name) of the waypoints of an edge, one in each layer that it crosses, in the edge's direction."""
    source, target = layers[pair[0]], layers[pair[1]]
    step = 1 if target > source else -1
    return [(layer, f"{pair[0]}>{pair[1]}@{layer}") for layer in range(source + step, target, step)]


def _links(chains: Mapping[tuple[str, str], list[tuple[int, str]]]) -> list[tuple[str, str]]:
    """The edges cut at their waypoints: each link joins neighbouring layers."""
    stops = [[source, *(waypoint for _, waypoint in chain), target] for (source, target), chain in chains.items()]
    return [link for way in stops for link in itertools.pairwise(way)]


def _lanes(names: list[str], pairs: list[tuple[str, str]]) -> dict[str, str]:
    """A lane a namespace; callers outside the mesh stand in the lane of what they call."""
    lanes = {name: namespace(name) for name in names}
    for a, b in pairs:
        if lanes[a] == "":
            lanes[a] = lanes[b]
    return lanes


def _cells(
    names: list[str], pairs: list[tuple[str, str]], layers: Mapping[str, int], lanes: Mapping[str, str]
) -> Cells:
    """Each lane's layers, ordered by the mean row of the neighbours."""
    near: dict[str, list[str]] = {name: [] for name in names}
    for a, b in pairs:
        near[a].append(b)
        near[b].append(a)
    cells: Cells = {}
    for name in names:
        cells.setdefault((lanes[name], layers[name]), []).append(name)
    rows = {name: float(row) for cell in cells.values() for row, name in enumerate(cell)}
    for _ in range(_SWEEPS):
        for key in sorted(cells):
            cell = cells[key]
            cell.sort(key=lambda name: (_mean([rows[n] for n in near[name]], rows[name]), name))
            tallest = max(len(other) for (lane, _), other in cells.items() if lane == key[0])
            rows |= {name: (tallest - len(cell)) / 2 + index for index, name in enumerate(cell)}
    return cells


def _row(index: int, size: int, tallest: int) -> float:
    """The row of a cell's member, its column centred on the lane."""
    in_column = min(MAX_ROWS, size - index // MAX_ROWS * MAX_ROWS)
    return (tallest - in_column) / 2 + index % MAX_ROWS


def _tallest(cells: Cells, lane: str) -> int:
    return min(MAX_ROWS, max(len(cell) for (of, _), cell in cells.items() if of == lane))


def _layer_columns(cells: Cells) -> dict[int, int]:
    """The first column of each layer; a layer is as wide as its largest cell needs."""
    columns, at = {}, 0
    for layer in sorted({layer for _, layer in cells}):
        columns[layer] = at
        at += max(-(-len(cell) // MAX_ROWS) for (_, of), cell in cells.items() if of == layer)
    return columns


def _lane_tops(cells: Cells) -> dict[str, float]:
    tops, top = {}, 0.0
    for lane in sorted({lane for lane, _ in cells}):
        tops[lane] = top
        top += _tallest(cells, lane) * ROW_HEIGHT + LANE_GAP
    return tops


def _mean(values: list[float], default: float) -> float:
    return sum(values) / len(values) if values else default
