"""What `tulle check` looks at: each check is a function from what was found to findings; nothing is asked here twice.

Areas: environment, control plane, identity, data plane, configuration, telemetry.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from protos.tulle.v1 import discovery_pb2, registry_pb2, telemetry_pb2
from tulle.output import Column, View
from tulle.service_status import why_unhealthy, workload

LEAST_LIFE_LEFT = 0.2  # a certificate below this share of its life fails: it should have been renewed at a half
_MEND = "mend the application, or say in its Service document how it is asked: spec.healthCheck"


class State(StrEnum):
    """How a check came out; FAIL makes the command end with 1."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    area: str
    state: State
    what: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Life:
    """From when until when a certificate holds."""

    name: str
    begins: datetime
    ends: datetime

    def finding(self, now: datetime, hint: str) -> Finding:
        """Expired, not yet valid or near its end fails."""
        whole, left = self.ends - self.begins, self.ends - now
        if left <= timedelta(0):
            return Finding("identity", State.FAIL, f"{self.name} expired {_span(-left)} ago", hint)
        if now < self.begins:
            cause = f"{self.name} is not valid for another {_span(self.begins - now)}"
            return Finding("identity", State.FAIL, cause, "set this machine's clock")
        if left < whole * LEAST_LIFE_LEFT:
            return Finding("identity", State.FAIL, f"{self.name} ends in {_span(left)}, of {_span(whole)}", hint)
        return Finding("identity", State.OK, f"{self.name} holds for {_span(left)}")


def check_environment(sqlite: tuple[int, ...] | None, engine: str | None) -> Iterator[Finding]:
    """`sqlite`: apsw's library version; `engine`: the extension's file; None where there is none."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    supported = sys.version_info >= (3, 11)
    yield Finding(
        "environment", State.OK if supported else State.FAIL, f"Python {version}", "" if supported else "use 3.11"
    )
    if sqlite is None:
        yield Finding("environment", State.FAIL, "apsw cannot be imported", "pip install apsw")
    else:
        good = sqlite >= (3, 51, 3)
        told = f"SQLite {'.'.join(map(str, sqlite))}"
        # 3.7.0 to 3.51.2 can corrupt a write-ahead log.
        yield Finding(
            "environment", State.OK if good else State.FAIL, told, "" if good else "pip install 'apsw>=3.51.3'"
        )
    if engine is None:
        yield Finding("environment", State.FAIL, "the engine is not built", "build it: make setup")
    else:
        yield Finding("environment", State.OK, f"engine {engine}")


def check_certificates(
    nodes: Sequence[telemetry_pb2.TopologyNode], now: datetime, margin: timedelta
) -> Iterator[Finding]:
    """Workloads' certificates: one that ends within `margin` fails, since it should have been renewed."""
    known = [node for node in nodes if node.certificate_not_after_unix_ms]
    bad = [(node, left) for node in known if (left := _left(node, now)) < margin]
    for node, left in bad:
        told = f"expired {_span(-left)} ago" if left <= timedelta(0) else f"ends in {_span(left)}"
        hint = "look at the sidecar's log: it renews at half of the certificate's life"
        yield Finding("identity", State.FAIL, f"certificate of {node.service} {told}", hint)
    if known and not bad:
        soonest = min(_left(node, now) for node in known)
        yield Finding(
            "identity", State.OK, f"{len(known)} services' certificates, the soonest ends in {_span(soonest)}"
        )


def check_data_plane(
    proxies: Sequence[discovery_pb2.Proxy], instances: Sequence[registry_pb2.Instance], declared: Sequence[str]
) -> Iterator[Finding]:
    """Proxies in sync, none refusing its configuration; every service that is there has a healthy instance."""
    connected = [proxy for proxy in proxies if proxy.connected]
    behind = [proxy for proxy in connected if proxy.acked_revision < proxy.sent_revision and not proxy.HasField("nack")]
    if not connected:
        yield Finding(
            "data plane", State.WARN, "no sidecar is connected", "tulle run --service NS/NAME --port P -- CMD"
        )
    elif behind:
        names = ", ".join(proxy.instance for proxy in behind)
        yield Finding("data plane", State.WARN, f"behind: {names}", "'tulle get proxies -o wide' shows revisions")
    else:
        yield Finding("data plane", State.OK, f"{len(connected)} sidecars connected")
    services = {instance.service for instance in instances}
    dead = sorted(s for s in services if not any(i.healthy for i in instances if i.service == s))
    for service in dead:
        why = why_unhealthy([i for i in instances if i.service == service])
        yield Finding("data plane", State.FAIL, f"{service} has no healthy instance: {why}", _MEND)
    if services and not dead:
        yield Finding("data plane", State.OK, f"{len(services)} services have a healthy instance")
    callers = {workload(proxy.identity) for proxy in connected}
    for service in sorted(set(declared) - services - callers):
        yield Finding(
            "data plane", State.FAIL, f"{service} is declared and nobody is there", "start it with 'tulle run'"
        )


def check_configuration(
    proxies: Sequence[discovery_pb2.Proxy], documents: int, revision: int, warnings: Sequence[str]
) -> Iterator[Finding]:
    """Documents hold together, and no sidecar refuses what was made of them."""
    yield Finding("configuration", State.OK, f"{documents} documents, revision {revision}")
    for warning in warnings:
        yield Finding("configuration", State.WARN, warning)
    for proxy in proxies:
        if proxy.connected and proxy.HasField("nack"):
            told = f"{proxy.instance} refuses {proxy.nack.resource}: {proxy.nack.detail}"
            yield Finding("configuration", State.FAIL, told, "the last good configuration stays in force there")


def check_telemetry(topology: telemetry_pb2.Topology, connected: int) -> Iterator[Finding]:
    """Sidecars report: a mesh with sidecars and no figures of any is mute."""
    reporting = [
        node for node in topology.nodes if node.certificate_not_after_unix_ms or node.inbound.calls or node.instances
    ]
    calls = sum(edge.golden.calls for edge in topology.edges)
    if connected and not reporting:
        yield Finding("telemetry", State.FAIL, "no sidecar reports", "see OTEL_* and --otlp of the sidecars")
    else:
        yield Finding("telemetry", State.OK, f"{calls} calls on {len(topology.edges)} edges in the last minute")


def _left(node: telemetry_pb2.TopologyNode, now: datetime) -> timedelta:
    return datetime.fromtimestamp(node.certificate_not_after_unix_ms / 1000, now.tzinfo) - now


def _span(value: timedelta) -> str:
    seconds = int(value.total_seconds())
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


FINDINGS: View[Finding] = View(
    (
        Column("area", lambda f: f.area),
        Column("state", lambda f: f.state.value),
        Column("finding", lambda f: f.what),
        Column("hint", lambda f: f.hint or "-", wide=True),
    ),
    lambda f: f"{f.area}: {f.what}",
    lambda f: {"area": f.area, "state": f.state.value, "finding": f.what, "hint": f.hint},
)
