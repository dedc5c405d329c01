"""A shop as telemetry: builders for topologies, with one knob a story needs."""

from dataclasses import dataclass, field

from google.protobuf.duration_pb2 import Duration

from protos.tulle.v1 import engine_pb2 as engine
from protos.tulle.v1 import telemetry_pb2 as pb
from protos.tulle.v1.discovery_pb2 import Nack, Proxy

SERVICES = ("storefront", "orders", "inventory", "payments", "shipping", "recommendations")
CALLS = (
    ("storefront", "orders", 60.0),
    ("storefront", "recommendations", 25.0),
    ("orders", "inventory", 60.0),
    ("orders", "payments", 55.0),
    ("orders", "shipping", 50.0),
)


@dataclass(frozen=True)
class Story:
    """What is told of the shop: fault share by service, ejected endpoints, refused configurations."""

    now_ms: int
    faults: dict[str, float] = field(default_factory=dict)
    ejected: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    extra: tuple[str, ...] = ()
    window_ms: int = 60_000


def topology(story: Story) -> pb.Topology:
    """The whole shop, called from outside through its storefront."""
    calls = [("external", "shop/storefront", 85.0)]
    calls += [(f"shop/{source}", f"shop/{target}", rate) for source, target, rate in CALLS]
    calls += [("shop/orders", f"shop/{name}", 3.0) for name in story.extra]
    edges = [_edge(story, source, target, rate) for source, target, rate in calls]
    inbound = {edge.target: edge.golden for edge in edges}
    services = [f"shop/{name}" for name in (*SERVICES, *story.extra)]
    nodes = [_node(story, name, inbound[name], [e.source for e in edges if e.target == name]) for name in services]
    nodes.append(pb.TopologyNode(service="external", inbound=pb.Golden()))
    return pb.Topology(time_unix_ms=story.now_ms, window_ms=story.window_ms, revision=7, nodes=nodes, edges=edges)


def golden(story: Story, rate: float, fault_share: float) -> pb.Golden:
    """Golden metrics of a window at that rate."""
    calls = int(rate * story.window_ms / 1000)
    return pb.Golden(
        rate=rate,
        calls=calls,
        faults=int(calls * fault_share),
        client_errors=calls // 200,
        p50_ms=1.8,
        p95_ms=7.4,
        p99_ms=21.0 * (1 + 10 * fault_share),
        request_bytes_rate=rate * 300,
        response_bytes_rate=rate * 900,
        retries=int(calls * fault_share / 2),
    )


def _edge(story: Story, source: str, target: str, rate: float) -> pb.TopologyEdge:
    share = story.faults.get(target, 0.0)
    clusters = [pb.EdgeCluster(cluster=target, golden=golden(story, rate, share))]
    if target == "shop/payments":
        clusters = [
            pb.EdgeCluster(cluster=f"{target}#v1", golden=golden(story, rate * 0.9, share)),
            pb.EdgeCluster(cluster=f"{target}#v2", golden=golden(story, rate * 0.1, 0.0)),
        ]
    return pb.TopologyEdge(
        source=source,
        target=target,
        golden=golden(story, rate, share),
        mtls=source != "external",
        clusters=clusters,
        breaker=engine.BREAKER_STATE_OPEN if _out(story, target) else engine.BREAKER_STATE_CLOSED,
    )


def _out(story: Story, service: str) -> bool:
    return any(instance.rpartition("-")[0] == service.partition("/")[2] for instance in story.ejected)


def _node(story: Story, service: str, inbound: pb.Golden, callers: list[str]) -> pb.TopologyNode:
    name = service.partition("/")[2]
    instances = [f"{name}-1", f"{name}-2"]
    return pb.TopologyNode(
        service=service,
        inbound=inbound,
        instances=[
            pb.NodeInstance(id=one, version="v1" if one.endswith("1") else "v2", healthy=True) for one in instances
        ],
        endpoints=[
            pb.EndpointView(caller=caller, series=_endpoint(story, service, one))
            for caller in callers
            if caller != "external"
            for one in instances
        ],
        certificate_not_after_unix_ms=story.now_ms + (2400 + 60 * len(name)) * 1000,
        versions=["v1", "v2"],
        proxies=[_proxy(story, service, one) for one in instances],
    )


def _endpoint(story: Story, service: str, instance: str) -> engine.EndpointSeries:
    out = instance in story.ejected
    return engine.EndpointSeries(
        service=service,
        cluster=service,
        endpoint=instance,
        address="127.0.0.1:41234",
        state=engine.BREAKER_STATE_OPEN if out else engine.BREAKER_STATE_CLOSED,
        consecutive_failures=7 if out else 0,
        in_flight=0 if out else 3,
        connections=1,
        ewma_us=1900,
        ejections=1 if out else 0,
        open_remaining=Duration(seconds=4) if out else None,
        successes=12_345,
        failures=7 if out else 0,
    )


def _proxy(story: Story, service: str, instance: str) -> Proxy:
    refused = instance in story.refused
    nack = Nack(revision=7, resource=f"cluster:{service}", detail="no endpoints") if refused else None
    return Proxy(
        instance=instance,
        identity=f"spiffe://shop.local/{service}",
        version="0.1.0",
        connected=True,
        sent_revision=7,
        acked_revision=6 if refused else 7,
        nack=nack,
        last_seen_unix_ms=story.now_ms,
    )
