"""Which side's numbers are shown: the called one's for a service, the caller's for an edge; else the other's."""

from collections.abc import Iterable, Iterator

from control_plane.telemetry.calls import INBOUND, OUTBOUND, CallKey, Calls, Slot

Row = tuple[CallKey, Calls]
Edge = tuple[str, str]


def by_target(slot: Slot) -> dict[str, list[Row]]:
    """Calls into each service as its own sidecar counted them; where it told nothing, as its callers did."""
    inbound, outbound = _grouped(slot, INBOUND), _grouped(slot, OUTBOUND)
    return {target: inbound.get(target) or outbound[target] for target in inbound.keys() | outbound.keys()}


def by_edge(slot: Slot) -> dict[Edge, list[Row]]:
    """Calls between two services as the caller's sidecar counted them; where it told nothing, as the called one's."""
    found: dict[str, dict[Edge, list[Row]]] = {INBOUND: {}, OUTBOUND: {}}
    for key, calls in slot.items():
        found[key.direction].setdefault((key.source, key.target), []).append((key, calls))
    return {**found[INBOUND], **found[OUTBOUND]}


def by_method(slot: Slot) -> dict[tuple[str, str, str], list[Row]]:
    """Edges by method."""
    found: dict[tuple[str, str, str], list[Row]] = {}
    for (source, target), rows in by_edge(slot).items():
        for row in rows:
            found.setdefault((source, target, row[0].method), []).append(row)
    return found


def select(slot: Slot, target: str, source: str, method: str) -> Iterator[Row]:
    """The calls asked for; "" leaves a question open. A caller asked for is answered from the edges."""
    groups: Iterable[list[Row]] = by_target(slot).values()
    if source:
        groups = (rows for edge, rows in by_edge(slot).items() if edge[0] == source)
    for rows in groups:
        for key, calls in rows:
            if target in ("", key.target) and method in ("", key.method):
                yield key, calls


def _grouped(slot: Slot, direction: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for key, calls in slot.items():
        if key.direction == direction:
            found.setdefault(key.target, []).append((key, calls))
    return found
