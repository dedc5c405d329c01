"""The snapshots that the engine is given where no control plane stands beside it."""

from collections.abc import Mapping, Sequence

from google.protobuf.duration_pb2 import Duration

from bench.certificates import CLIENT_ID, SERVER_ID, TRUST_DOMAIN
from bench.systems.base import IN_FLIGHT
from bench.systems.policy import BARE, NAME, NAMESPACE, Policy
from protos.tulle.v1 import snapshot_pb2

SERVICE = f"{NAMESPACE}/{NAME}"
SPLIT: tuple[Policy, ...] = ("split", "all")
METHOD = f"/{NAMESPACE}.Echo/Unary"


def outbound(backends: Mapping[str, Sequence[int]], policy: Policy) -> snapshot_pb2.Snapshot:
    """Upstream services by name, in plaintext, each at these ports. The default is what the control plane resolves
    without documents."""
    snapshot = snapshot_pb2.Snapshot(revision=1, trust_domain=TRUST_DOMAIN)
    for name, ports in backends.items():
        full = f"{NAMESPACE}/{name}"
        snapshot.services.append(_service(name, policy))
        snapshot.clusters.append(_cluster(full, ports, policy))
        if policy in SPLIT:
            snapshot.clusters.append(_cluster(f"{full}#next", ports, policy))
    return snapshot


def inbound() -> snapshot_pb2.Snapshot:
    """The server's side of a mesh: one caller is allowed."""
    rule = snapshot_pb2.AccessRule(
        policy=f"{NAMESPACE}/load", action=snapshot_pb2.ACCESS_ACTION_ALLOW, identities=[CLIENT_ID]
    )
    side = snapshot_pb2.Inbound(identity=SERVER_ID, service=SERVICE, rules=[rule], circuit_breaker=_breaker())
    return snapshot_pb2.Snapshot(revision=1, trust_domain=TRUST_DOMAIN, inbound=side)


def _service(name: str, policy: Policy) -> snapshot_pb2.Service:
    full = f"{NAMESPACE}/{name}"
    service = snapshot_pb2.Service(name=full, authorities=[f"{name}.{NAMESPACE}"], routes=_routes(full, policy))
    if policy == "all":
        service.methods.add(path=METHOD, idempotent=True)
    service.circuit_breaker.CopyFrom(_breaker())
    return service


def _routes(service: str, policy: Policy) -> list[snapshot_pb2.Route]:
    whole = {service: 1}
    parts = {service: 90, f"{service}#next": 10}
    if policy in BARE:
        bare = snapshot_pb2.RoutePolicy(retry=_retry(attempts=1, percent=0, floor=0))
        return [_route("default", parts if policy in SPLIT else whole, bare)]
    if policy == "default":
        return [_route("default", whole, snapshot_pb2.RoutePolicy(retry=_retry(attempts=1)))]
    carried = snapshot_pb2.RoutePolicy(
        request_timeout=Duration(seconds=10),
        per_try_timeout=Duration(seconds=5),
        retry=_retry(attempts=3),
        idempotent=True,
    )
    canary = _route("echo/canary", whole, carried)
    header = snapshot_pb2.HeaderMatch(name="x-canary", exact="yes")
    canary.matches.add(service=f"{NAMESPACE}.Echo", headers=[header])
    split = _route("echo/split", parts, carried)
    split.matches.add(service=f"{NAMESPACE}.Echo")
    return [canary, split, _route("default", whole, carried)]


def _route(name: str, weights: dict[str, int], policy: snapshot_pb2.RoutePolicy) -> snapshot_pb2.Route:
    backends = [snapshot_pb2.WeightedCluster(cluster=cluster, weight=weight) for cluster, weight in weights.items()]
    return snapshot_pb2.Route(name=name, backends=backends, policy=policy)


def _retry(attempts: int, percent: int = 20, floor: int = 10) -> snapshot_pb2.Retry:
    return snapshot_pb2.Retry(
        attempts=attempts,
        status_codes=[14],
        backoff_base=Duration(nanos=25_000_000),
        backoff_max=Duration(nanos=250_000_000),
        budget_percent=percent,
        budget_min_per_second=floor,
    )


def _cluster(name: str, backends: Sequence[int], policy: Policy) -> snapshot_pb2.Cluster:
    endpoints = [
        snapshot_pb2.Endpoint(id=f"{name}-{number}", address="127.0.0.1", port=port, weight=1, healthy=True)
        for number, port in enumerate(backends)
    ]
    failures = 10_000 if policy in BARE else 7
    return snapshot_pb2.Cluster(
        name=name,
        endpoints=endpoints,
        load_balancing=snapshot_pb2.LOAD_BALANCING_P2C_PEAK_EWMA,
        outlier=snapshot_pb2.Outlier(
            consecutive_failures=failures, open_base=Duration(seconds=1), open_max=Duration(seconds=60)
        ),
        connect_timeout=Duration(seconds=5),
    )


def _breaker() -> snapshot_pb2.CircuitBreaker:
    return snapshot_pb2.CircuitBreaker(
        max_connections=IN_FLIGHT, max_pending=IN_FLIGHT, max_requests=IN_FLIGHT, max_retries=3
    )
