"""What a caller of this control plane could well send, by field."""

from protos import names
from tests.control_plane.control_plane_harness import make_csr, new_key
from tests.control_plane.policy.policy_documents import access, mesh, route, service, traffic
from tests.control_plane.properties.messages import Words
from tests.control_plane.properties.served import SERVICE

DOCUMENTS = (
    service("orders", "{ports: [{port: 50051}]}"),
    service("payments", "{subsets: [{name: v1, labels: {version: v1}}], methods: [{name: a.B/C, idempotent: true}]}"),
    route("r", "[{name: all, backendRefs: [{name: payments, weight: 1}, {name: orders, weight: 3}]}]"),
    traffic("t", "{targetRefs: [{kind: Service, name: orders}], timeouts: {request: 2s}, retry: {attempts: 3}}"),
    access("a", "{targetRefs: [{kind: Service, name: orders}], action: Allow, rules: [{}]}"),
    mesh("{mode: open}"),
)
TRACE = bytes(range(1, 17))
_METRICS = (
    names.CLIENT_CALL_DURATION,
    names.SERVER_CALL_DURATION,
    names.REQUEST_BYTES,
    names.RETRIES,
    names.ENDPOINT_STATE,
    names.CERT_EXPIRY,
    names.CONFIG_REVISION,
)
_ATTRIBUTES = (
    *("service.namespace", "service.name", "service.instance.id", "unknown"),
    *(names.TARGET, names.SOURCE, names.CLUSTER, names.ENDPOINT, names.RPC_METHOD, names.RPC_STATUS, names.MTLS),
)


def words() -> Words:
    """Made when asked, since a key is."""
    now_ms = 1_800_000_000_000
    return {
        "service": (SERVICE, "shop/payments", "orders"),
        "source": (SERVICE, ""),
        "instance": ("orders-0", "orders-1"),
        "id": ("orders-0", "orders-1"),
        "address": ("127.0.0.1", "::1", ""),
        "port": (1, 5000, 65_535),
        "weight": (0, 1, 1_000_000),
        "lease_id": (1, 2, 3),
        "revision": (0, 1, 2, 3),
        "expected_revision": (0, 0, 1, 2),
        "file": ("a.yaml", "dir/b.yaml"),
        "yaml": (*DOCUMENTS, "---\n".join(DOCUMENTS), "kind: Servic", "[", "", "a: &x *x"),
        "author": ("me", ""),
        "reason": ("because", ""),
        "kind": ("Service", "GRPCRoute", "TrafficPolicy", "AccessPolicy", "Mesh", "gateway"),
        "namespace": ("shop", "default", ""),
        "name": (*_METRICS, "orders", "payments", "shop", "r", "t", "a"),
        "key": _ATTRIBUTES,
        "string_value": (SERVICE, "shop", "orders", "orders-0", "a.B/C", "OK", "UNAVAILABLE"),
        "csr_der": (make_csr(new_key()),),
        "ttl_seconds": (0, 60, 600, 86_400),
        "window_ms": (0, 1000, 60_000, 900_000),
        "period_ms": (0, 250),
        "step_ms": (0, 1000, 600_000),
        "from_unix_ms": (now_ms, now_ms - 60_000, -(1 << 63)),
        "to_unix_ms": (0, now_ms, -(1 << 63) + 1_000_000),
        "limit": (0, 1, 50),
        "trace_id": (TRACE, TRACE.hex()),
        "span_id": (bytes(range(8)), b"\x01" * 8),
        "scale": (0, 4, 20, -10),
        "bucket_counts": (0, 1, 5),
        "start_time_unix_nano": (0, now_ms * 1_000_000),
        "time_unix_nano": (now_ms * 1_000_000,),
        "end_time_unix_nano": (now_ms * 1_000_000 + 5,),
    }
