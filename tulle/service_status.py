"""Services at a glance: what is declared, what is there, what is in sync."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from protos.tulle.v1 import discovery_pb2, registry_pb2
from tulle.output import Column, View


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """One service."""

    service: str
    declared: bool
    healthy: int
    instances: int
    versions: tuple[str, ...]
    proxies: int
    in_sync: int
    refused: int
    why: str


def summarize(
    declared: Sequence[str],
    instances: Sequence[registry_pb2.Instance],
    proxies: Sequence[discovery_pb2.Proxy],
) -> list[ServiceStatus]:
    """One row a service that is declared or has an instance or a connected proxy, by name."""
    connected = [proxy for proxy in proxies if proxy.connected]
    services = {*declared, *(i.service for i in instances), *(workload(p.identity) for p in connected)}
    return [
        _row(
            service,
            service in declared,
            [i for i in instances if i.service == service],
            [p for p in connected if workload(p.identity) == service],
        )
        for service in sorted(services)
    ]


def workload(identity: str) -> str:
    """ "shop/payments" of "spiffe://shop.local/shop/payments"."""
    return "/".join(identity.split("/")[3:])


def why_unhealthy(instances: Sequence[registry_pb2.Instance]) -> str:
    """Of the first that is not healthy, "" where all are: each instance with its own is in `tulle get instances`."""
    out = [instance for instance in instances if not instance.healthy]
    if not out:
        return ""
    more = f" (and {len(out) - 1} more)" if len(out) > 1 else ""
    return f"{out[0].id}: {out[0].unhealthy_reason or 'its sidecar gives no reason'}{more}"


def _row(
    service: str, declared: bool, instances: list[registry_pb2.Instance], proxies: list[discovery_pb2.Proxy]
) -> ServiceStatus:
    return ServiceStatus(
        service,
        declared,
        sum(instance.healthy for instance in instances),
        len(instances),
        tuple(sorted({instance.labels["version"] for instance in instances if "version" in instance.labels})),
        len(proxies),
        sum(proxy.acked_revision >= proxy.sent_revision for proxy in proxies),
        sum(proxy.HasField("nack") for proxy in proxies),
        why_unhealthy(instances),
    )


STATUS: View[ServiceStatus] = View(
    (
        Column("service", lambda s: s.service),
        Column("declared", lambda s: "yes" if s.declared else "no"),
        Column("healthy", lambda s: f"{s.healthy}/{s.instances}"),
        Column("versions", lambda s: ",".join(s.versions) or "-"),
        Column("proxies in sync", lambda s: f"{s.in_sync}/{s.proxies}"),
        Column("refused", lambda s: s.refused, wide=True),
        Column("why unhealthy", lambda s: s.why or "-"),
    ),
    lambda s: s.service,
    lambda s: {**asdict(s), "versions": list(s.versions)},
)
