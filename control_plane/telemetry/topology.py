"""The mesh as one picture: services and edges with their golden metrics, from a window of calls, gauges and facts."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from google.protobuf.duration_pb2 import Duration

from control_plane.telemetry.calls import OUTBOUND, Slot, golden
from control_plane.telemetry.facts import Facts
from control_plane.telemetry.gauges import Gauges, Subject
from control_plane.telemetry.streams import timed
from control_plane.telemetry.views import Edge, Row, by_edge, by_target
from protos import names
from protos.tulle.v1 import engine_pb2, registry_pb2, telemetry_pb2

BreakerState: TypeAlias = engine_pb2.BreakerState.ValueType

VERSION_LABEL: Final = "version"
# The worst last.
_SEVERITY: Final = (
    engine_pb2.BREAKER_STATE_UNSPECIFIED,
    engine_pb2.BREAKER_STATE_CLOSED,
    engine_pb2.BREAKER_STATE_HALF_OPEN,
    engine_pb2.BREAKER_STATE_OPEN,
)


@dataclass(frozen=True)
class Window:
    """A stretch of time: its calls, its length in seconds, and when it ended."""

    calls: Slot
    seconds: float
    end_unix_ms: int
    asked_ms: int


def topology(window: Window, gauges: Gauges, facts: Facts) -> telemetry_pb2.Topology:
    """Nodes and edges by name; a service without calls is there as well. Streams are counted and not timed."""
    window = replace(window, calls=dict(timed(window.calls.items(), facts.streams)))
    into, edges = by_target(window.calls), by_edge(window.calls)
    registered = {instance.service for instance in facts.instances}
    services = sorted({*facts.services, *registered, *into, *(source for source, _ in edges)})
    views, breakers = _endpoint_views(gauges, facts), _breakers(gauges)
    return telemetry_pb2.Topology(
        time_unix_ms=window.end_unix_ms,
        window_ms=window.asked_ms,
        revision=facts.revision,
        nodes=[_node(name, into.get(name, []), window, facts, views, gauges) for name in services],
        edges=[_edge(edge, rows, window, breakers) for edge, rows in sorted(edges.items())],
    )


def _node(
    service: str,
    rows: list[Row],
    window: Window,
    facts: Facts,
    views: dict[str, list[telemetry_pb2.EndpointView]],
    gauges: Gauges,
) -> telemetry_pb2.TopologyNode:
    instances = [instance for instance in facts.instances if instance.service == service]
    ends = [expiry for name, expiry in gauges.certificates() if name == service]
    return telemetry_pb2.TopologyNode(
        service=service,
        inbound=golden(rows, window.seconds),
        instances=[_instance(instance) for instance in instances],
        endpoints=views.get(service, []),
        certificate_not_after_unix_ms=int(1000 * min(ends, default=0)),
        p99_target_ms=facts.p99_targets_ms.get(service, 0.0),
        versions=sorted({version for one in instances if (version := one.labels.get(VERSION_LABEL, ""))}),
        proxies=[proxy for proxy in facts.proxies if proxy.identity.endswith(f"/{service}")],
    )


def _instance(instance: registry_pb2.Instance) -> telemetry_pb2.NodeInstance:
    version = instance.labels.get(VERSION_LABEL, "")
    return telemetry_pb2.NodeInstance(id=instance.id, version=version, healthy=instance.healthy)


def _edge(
    edge: Edge, rows: list[Row], window: Window, breakers: dict[Edge, BreakerState]
) -> telemetry_pb2.TopologyEdge:
    source, target = edge
    split: dict[str, list[Row]] = {}
    for row in rows:
        if row[0].direction == OUTBOUND and row[0].cluster:
            split.setdefault(row[0].cluster, []).append(row)
    return telemetry_pb2.TopologyEdge(
        source=source,
        target=target,
        golden=golden(rows, window.seconds),
        mtls=_all_mtls(rows),
        clusters=[
            telemetry_pb2.EdgeCluster(cluster=name, golden=golden(part, window.seconds))
            for name, part in sorted(split.items())
        ],
        breaker=breakers.get(edge, engine_pb2.BREAKER_STATE_UNSPECIFIED),
    )


def _all_mtls(rows: Iterable[Row]) -> bool:
    """Some calls proved an identity, none reached an application without. Statuses made by the proxy never left it."""
    reached = [key.mtls for key, calls in rows if calls.count and (key.mtls or not key.reason)]
    return bool(reached) and all(reached)


def _breakers(gauges: Gauges) -> dict[Edge, BreakerState]:
    """The worst that the caller sees: of the service's breaker and of each endpoint's."""
    found: dict[Edge, BreakerState] = {}
    endpoints = (
        (caller, one.target, values.get(names.ENDPOINT_STATE, 0.0)) for caller, one, values in gauges.endpoints()
    )
    for caller, target, value in (*gauges.services(), *endpoints):
        found[caller, target] = _worst(found.get((caller, target), engine_pb2.BREAKER_STATE_UNSPECIFIED), _state(value))
    return found


def _endpoint_views(gauges: Gauges, facts: Facts) -> dict[str, list[telemetry_pb2.EndpointView]]:
    """By called service: a row a caller and endpoint, the caller's sidecars taken together."""
    grouped: dict[tuple[str, Subject], list[dict[str, float]]] = {}
    for caller, subject, values in gauges.endpoints():
        grouped.setdefault((caller, subject), []).append(values)
    addresses = {instance.id: f"{instance.address}:{instance.port}" for instance in facts.instances}
    found: dict[str, list[telemetry_pb2.EndpointView]] = {}
    for (caller, subject), seen in sorted(grouped.items()):
        series = _endpoint(subject, seen, addresses.get(subject.endpoint, ""))
        found.setdefault(subject.target, []).append(telemetry_pb2.EndpointView(caller=caller, series=series))
    return found


def _endpoint(subject: Subject, seen: list[dict[str, float]], address: str) -> engine_pb2.EndpointSeries:
    def worst(name: str) -> float:
        return max(values.get(name, 0.0) for values in seen)

    def total(name: str) -> int:
        return int(sum(values.get(name, 0.0) for values in seen))

    state = engine_pb2.BREAKER_STATE_UNSPECIFIED
    for values in seen:
        state = _worst(state, _state(values.get(names.ENDPOINT_STATE, 0.0)))
    remaining = Duration()
    remaining.FromMilliseconds(int(1000 * worst(names.ENDPOINT_OPEN_REMAINING)))
    return engine_pb2.EndpointSeries(
        service=subject.target,
        cluster=subject.cluster,
        endpoint=subject.endpoint,
        address=address,
        state=state,
        consecutive_failures=int(worst(names.ENDPOINT_CONSECUTIVE_FAILURES)),
        in_flight=total(names.ENDPOINT_IN_FLIGHT),
        connections=total(names.ENDPOINT_CONNECTIONS),
        ewma_us=int(1_000_000 * worst(names.ENDPOINT_EWMA)),
        ejections=total(names.ENDPOINT_EJECTIONS),
        open_remaining=remaining,
    )


def _state(value: float) -> BreakerState:
    return next((state for state in _SEVERITY if state == int(value)), engine_pb2.BREAKER_STATE_UNSPECIFIED)


def _worst(one: BreakerState, other: BreakerState) -> BreakerState:
    return max(one, other, key=_SEVERITY.index)
