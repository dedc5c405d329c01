"""Pure questions to a topology: the evidence for health, and the rows that pages show."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from dashboard.health import Evidence
from dashboard.mesh import EXTERNAL, MeshView
from dashboard.wording import share
from protos.tulle.v1.discovery_pb2 import Proxy
from protos.tulle.v1.engine_pb2 import BREAKER_STATE_HALF_OPEN, BREAKER_STATE_OPEN
from protos.tulle.v1.telemetry_pb2 import EndpointView, TopologyEdge, TopologyNode

_OUT = (BREAKER_STATE_OPEN, BREAKER_STATE_HALF_OPEN)
BREAKER_WORDS = {0: "unknown", 1: "closed", 2: "open", 3: "half-open"}


@dataclass(frozen=True)
class Totals:
    """The mesh in one line; rates a second, shares 0 to 1."""

    services: int
    rate: float
    fault_share: float
    retries_rate: float
    mtls_edges: int
    edges: int
    proxies_in_sync: int
    proxies: int


@dataclass(frozen=True)
class Split:
    """One cluster's part of what went over an edge."""

    cluster: str
    share: float
    rate: float
    fault_share: float


def node_evidence(node: TopologyNode) -> Evidence:
    """What the telemetry shows of a service."""
    endpoints, ejected = worst_caller(node.endpoints)
    expiry = node.certificate_not_after_unix_ms
    known = bool(node.instances or node.proxies) or node.service == EXTERNAL
    return Evidence(
        calls=node.inbound.calls,
        faults=node.inbound.faults,
        client_errors=node.inbound.client_errors,
        p99_ms=node.inbound.p99_ms,
        p99_target_ms=node.p99_target_ms,
        instances=len(node.instances),
        healthy_instances=sum(instance.healthy for instance in node.instances),
        endpoints=endpoints,
        ejected=ejected,
        certificate_not_after=moment(expiry) if expiry else None,
        refused_configuration=next((refusal(proxy) for proxy in node.proxies if refusal(proxy)), ""),
        known=known,
    )


def edge_evidence(edge: TopologyEdge, target: TopologyNode | None) -> Evidence:
    """What the telemetry shows of the calls from one service to another."""
    rows = [row for row in target.endpoints if row.caller == edge.source] if target else []
    endpoints, ejected = worst_caller(rows)
    golden = edge.golden
    return Evidence(
        calls=golden.calls,
        faults=golden.faults,
        client_errors=golden.client_errors,
        p99_ms=golden.p99_ms,
        p99_target_ms=target.p99_target_ms if target else 0.0,
        endpoints=endpoints,
        ejected=ejected,
    )


def worst_caller(rows: Iterable[EndpointView]) -> tuple[int, int]:
    """(endpoints, ejected) as the caller sees them that has the largest part ejected; half-open counts as ejected."""
    callers: dict[str, tuple[int, int]] = {}
    for row in rows:
        total, out = callers.get(row.caller, (0, 0))
        callers[row.caller] = (total + 1, out + (row.series.state in _OUT))
    return max(callers.values(), key=lambda seen: (share(seen[1], seen[0]), seen), default=(0, 0))


def refusal(proxy: Proxy) -> str:
    """Why the proxy refused its last configuration, "" if it did not."""
    if not proxy.HasField("nack"):
        return ""
    return f"{proxy.instance}: {proxy.nack.resource} {proxy.nack.detail}".strip()


def in_sync(proxy: Proxy) -> bool:
    """True where the proxy runs the newest configuration it was sent."""
    return proxy.connected and proxy.acked_revision == proxy.sent_revision and not refusal(proxy)


def totals(view: MeshView) -> Totals:
    """Sums over the mesh; an edge counts once, so the calls of a chain count at each hop."""
    edges = view.topology.edges
    calls = sum(edge.golden.calls for edge in edges)
    proxies = [proxy for node in view.services for proxy in node.proxies]
    seconds = max(view.topology.window_ms, 1) / 1000
    return Totals(
        services=len(view.services),
        rate=sum(edge.golden.rate for edge in edges),
        fault_share=share(sum(edge.golden.faults for edge in edges), calls),
        retries_rate=sum(edge.golden.retries for edge in edges) / seconds,
        mtls_edges=sum(edge.mtls for edge in edges),
        edges=len(edges),
        proxies_in_sync=sum(in_sync(proxy) for proxy in proxies),
        proxies=len(proxies),
    )


def worst_first(view: MeshView) -> list[TopologyNode]:
    """Services by health, then by fault share, then by rate."""

    def rank(node: TopologyNode) -> tuple[float, float, float, str]:
        golden = node.inbound
        return -view.health(node.service).severity, -share(golden.faults, golden.calls), -golden.rate, node.service

    return sorted(view.services, key=rank)


def expiring(view: MeshView, limit: int) -> list[tuple[str, datetime]]:
    """(service, expiry) of the certificates soonest to expire."""
    known = [(n.service, moment(n.certificate_not_after_unix_ms)) for n in view.services]
    return sorted((row for row in known if row[1] > moment(0)), key=lambda row: (row[1], row[0]))[:limit]


def callers(view: MeshView, service: str) -> list[TopologyEdge]:
    """Edges into the service, busiest first."""
    return sorted((e for e in view.topology.edges if e.target == service), key=lambda e: (-e.golden.rate, e.source))


def callees(view: MeshView, service: str) -> list[TopologyEdge]:
    """Edges out of the service, busiest first."""
    return sorted((e for e in view.topology.edges if e.source == service), key=lambda e: (-e.golden.rate, e.target))


def split(edge: TopologyEdge) -> list[Split]:
    """How the calls of an edge really went to its clusters, largest first."""
    calls = sum(cluster.golden.calls for cluster in edge.clusters)
    rows = [
        Split(
            cluster=cluster.cluster.rpartition("#")[2] if "#" in cluster.cluster else cluster.cluster,
            share=share(cluster.golden.calls, calls),
            rate=cluster.golden.rate,
            fault_share=share(cluster.golden.faults, cluster.golden.calls),
        )
        for cluster in edge.clusters
    ]
    return sorted(rows, key=lambda row: (-row.share, row.cluster))


def endpoint_rows(view: MeshView, service: str, caller: str = "") -> list[EndpointView]:
    """Endpoints as each caller sees them, those out of service first."""
    node = view.node(service)
    rows = [row for row in node.endpoints if caller in ("", row.caller)] if node else []
    return sorted(rows, key=lambda row: (row.series.state not in _OUT, row.series.endpoint, row.caller))


def moment(unix_ms: int) -> datetime:
    """A time in UTC."""
    return datetime.fromtimestamp(unix_ms / 1000, UTC)
