"""How each kind of row is shown."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from protos.tulle.v1 import discovery_pb2, policy_pb2, registry_pb2, telemetry_pb2
from tulle.output import Column, View


def plain(message: Message) -> Mapping[str, Any]:
    """A message as plain data, field names as in the .proto."""
    result: Mapping[str, Any] = MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    return result


def moment(unix_ms: int) -> str:
    """UTC to the second, "-" for none."""
    return datetime.fromtimestamp(unix_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if unix_ms else "-"


def key_text(key: policy_pb2.DocumentKey) -> str:
    """ "GRPCRoute shop/payments" """
    return f"{key.kind} {key.namespace}/{key.name}"


def _labels(instance: registry_pb2.Instance) -> str:
    return ",".join(f"{name}={value}" for name, value in sorted(instance.labels.items())) or "-"


def _proxy_state(proxy: discovery_pb2.Proxy) -> str:
    if proxy.HasField("nack"):
        return f"refused {proxy.nack.resource}"
    if not proxy.connected:
        return "gone"
    return "in sync" if proxy.acked_revision >= proxy.sent_revision else "behind"


def _summary(changes: list[policy_pb2.Change]) -> str:
    counts: dict[str, int] = {}
    for change in changes:
        counts[change.action] = counts.get(change.action, 0) + 1
    return ", ".join(f"{count} {action}" for action, count in counts.items()) or "-"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f}%" if whole else "-"


changes: View[policy_pb2.Change] = View(
    (
        Column("kind", lambda c: c.key.kind),
        Column("namespace", lambda c: c.key.namespace),
        Column("name", lambda c: c.key.name),
        Column("action", lambda c: c.action),
    ),
    lambda c: key_text(c.key),
    plain,
)

documents: View[policy_pb2.Document] = View(
    (
        Column("kind", lambda d: d.key.kind),
        Column("namespace", lambda d: d.key.namespace),
        Column("name", lambda d: d.key.name),
        Column("revision", lambda d: d.revision),
    ),
    lambda d: key_text(d.key),
    plain,
)

instances: View[registry_pb2.Instance] = View(
    (
        Column("service", lambda i: i.service),
        Column("instance", lambda i: i.id),
        Column("address", lambda i: f"{i.address}:{i.port}"),
        Column("healthy", lambda i: "yes" if i.healthy else "no"),
        Column("labels", _labels),
        Column("why unhealthy", lambda i: i.unhealthy_reason or "-"),
        Column("weight", lambda i: i.weight, wide=True),
        Column("identity", lambda i: i.identity, wide=True),
        Column("since", lambda i: moment(i.registered_unix_ms), wide=True),
    ),
    lambda i: i.id,
    plain,
)

proxies: View[discovery_pb2.Proxy] = View(
    (
        Column("instance", lambda p: p.instance),
        Column("state", _proxy_state),
        Column("acknowledged", lambda p: p.acked_revision),
        Column("sent", lambda p: p.sent_revision),
        Column("identity", lambda p: p.identity, wide=True),
        Column("version", lambda p: p.version, wide=True),
        Column("last seen", lambda p: moment(p.last_seen_unix_ms), wide=True),
        Column("detail", lambda p: p.nack.detail or "-", wide=True),
    ),
    lambda p: p.instance,
    plain,
)

effective: View[policy_pb2.EffectiveValue] = View(
    (
        Column("route", lambda v: v.route),
        Column("field", lambda v: v.field),
        Column("value", lambda v: v.value),
        Column("origin", lambda v: v.origin),
    ),
    lambda v: f"{v.route} {v.field}",
    plain,
)

revisions: View[policy_pb2.Revision] = View(
    (
        Column("revision", lambda r: r.revision),
        Column("time", lambda r: moment(r.time_unix_ms)),
        Column("author", lambda r: r.author or "-"),
        Column("changes", lambda r: _summary(list(r.changes))),
        Column("reason", lambda r: r.reason or "-"),
        Column("documents", lambda r: "; ".join(key_text(c.key) for c in r.changes) or "-", wide=True),
    ),
    lambda r: str(r.revision),
    plain,
)

stats: View[telemetry_pb2.StatRow] = View(
    (
        Column("source", lambda s: s.source),
        Column("target", lambda s: s.target),
        Column("method", lambda s: s.method),
        Column("rate", lambda s: f"{s.golden.rate:.1f}/s"),
        Column("faults", lambda s: _percent(s.golden.faults, s.golden.calls)),
        Column("client errors", lambda s: _percent(s.golden.client_errors, s.golden.calls)),
        Column("p50", lambda s: f"{s.golden.p50_ms:.1f}ms"),
        Column("p95", lambda s: f"{s.golden.p95_ms:.1f}ms", wide=True),
        Column("p99", lambda s: f"{s.golden.p99_ms:.1f}ms"),
        Column("calls", lambda s: s.golden.calls, wide=True),
        Column("retries", lambda s: s.golden.retries),
    ),
    lambda s: f"{s.source} {s.target} {s.method}",
    plain,
)
