"""The strings that two processes must agree on: metric and attribute names, reasons, ports, file names.

Metric names follow OpenTelemetry's RPC conventions (v1.44 and later) and gRFC A66 where they have one; ours begin
with `tulle.`.
Prometheus names are these with dots as underscores and the unit and `_total` suffixes of the OpenMetrics rules.
"""

from typing import Final

# --- metrics, as exported by OTLP -----------------------------------------------------------------------------------
CLIENT_CALL_DURATION: Final = "rpc.client.call.duration"  # exponential histogram, s; one a finished outbound call
SERVER_CALL_DURATION: Final = "rpc.server.call.duration"  # exponential histogram, s; one a finished inbound call
REQUEST_BYTES: Final = "tulle.call.request.size"  # monotonic sum, By; attributes as the call's
RESPONSE_BYTES: Final = "tulle.call.response.size"  # monotonic sum, By
RETRIES: Final = "tulle.call.retries"  # monotonic sum, {attempt}
WITHOUT_DEADLINE: Final = "tulle.call.without_deadline"  # monotonic sum, {call}; calls that nothing bounds in time
ENDPOINT_STATE: Final = "tulle.endpoint.breaker.state"  # gauge: 1 closed, 2 open, 3 half-open (BreakerState)
ENDPOINT_EJECTIONS: Final = "tulle.endpoint.ejections"  # monotonic sum
ENDPOINT_CONSECUTIVE_FAILURES: Final = "tulle.endpoint.consecutive_failures"  # gauge
ENDPOINT_IN_FLIGHT: Final = "tulle.endpoint.in_flight"  # gauge
ENDPOINT_CONNECTIONS: Final = "tulle.endpoint.connections"  # gauge
ENDPOINT_EWMA: Final = "tulle.endpoint.latency.ewma"  # gauge, s
ENDPOINT_OPEN_REMAINING: Final = "tulle.endpoint.open_remaining"  # gauge, s
SERVICE_STATE: Final = "tulle.service.breaker.state"  # gauge: BreakerState
SERVICE_CONNECTIONS: Final = "tulle.service.connections"  # gauge
SERVICE_PENDING: Final = "tulle.service.pending"  # gauge
SERVICE_REQUESTS: Final = "tulle.service.requests"  # gauge
SERVICE_REFUSED: Final = "tulle.service.refused"  # monotonic sum; attribute LIMIT
CONFIG_REVISION: Final = "tulle.config.revision"  # gauge
CERT_EXPIRY: Final = "tulle.cert.expiry.timestamp"  # gauge, s since the epoch
BROKEN_BY_MESH: Final = "tulle.rpcs_broken_by_mesh"  # monotonic sum; attribute REASON; must stay 0
DROPPED_SPANS: Final = "tulle.telemetry.dropped_spans"  # monotonic sum
DROPPED_SERIES: Final = "tulle.telemetry.dropped_series"  # monotonic sum
ENGINE_PANICS: Final = "tulle.engine.panics"  # monotonic sum
ENGINE_IMPOSSIBLE: Final = "tulle.engine.impossible"  # monotonic sum; a look-up missed that cannot; must stay 0

# Counters of the engine (`Counter` in engine.proto) -> the attribute that their label becomes ("" for none).
ENGINE_COUNTERS: Final[dict[str, str]] = {
    BROKEN_BY_MESH: "reason",
    ENGINE_PANICS: "",
    ENGINE_IMPOSSIBLE: "tulle.place",  # the function of the engine that looked
    "tulle.connections.accepted": "tulle.listener",  # "outbound", "inbound", "upstream_port"
    "tulle.connections.closed": "reason",
    "tulle.connections.refused": "reason",  # "tls", "plaintext", "descriptors", "preface"
    # "budget", "buffer", "deadline", "pushback", "committed", "not_idempotent", "further_down"
    "tulle.retries.skipped": "reason",
    "tulle.protocol.errors": "reason",  # RFC 9113 error code in lower case
    "tulle.protocol.stream_errors": "reason",  # RFC 9113 error code in lower case of the RST_STREAM we sent
    "tulle.limits.exceeded": "tulle.limit",  # field of `Limits` in engine.proto; once a connection and limit
    "tulle.informational.dropped": "",  # 1xx heads beyond eight a call, or for a caller that is behind
    "tulle.ejections.spared": "tulle.target",  # ejections not made, or taken back: too many would have been out
    "tulle.snapshots.applied": "",
    "tulle.snapshots.refused": "",
}

# --- attributes -----------------------------------------------------------------------------------------------------
RPC_SYSTEM: Final = "rpc.system.name"  # "grpc"
RPC_METHOD: Final = "rpc.method"  # "shop.v1.Payments/Charge", or "other"
RPC_STATUS: Final = "rpc.response.status_code"  # "OK", "UNAVAILABLE", … the code's name
SOURCE: Final = "tulle.source"  # calling service "namespace/name"; "external" where unknown
TARGET: Final = "tulle.target"  # called service "namespace/name"
CLUSTER: Final = "tulle.cluster"  # "namespace/name" or "namespace/name#subset"
ENDPOINT: Final = "tulle.endpoint"  # instance id
REASON: Final = "tulle.reason"  # one of REASONS, absent for the application's own statuses
LIMIT: Final = "tulle.limit"  # "connections", "pending", "requests", "retries"
MTLS: Final = "tulle.mtls"  # bool
ROUTE: Final = "tulle.route"
ATTEMPT: Final = "tulle.attempt"  # attempt number, 1 for the first
# Resource attributes: service.namespace, service.name, service.instance.id, service.version as OpenTelemetry has them.

# --- reasons of statuses made by the proxy (design: semantics) ------------------------------------------------------
REASON_TRAILER: Final = "tulle-reason"
REASONS: Final = (
    "no_route",
    "unknown_service",
    "no_endpoints",
    "connect_failed",
    "queue_full",
    "breaker_open",
    "rate_limited",
    "deadline",
    "denied",
    "fault_injected",
    "header_limit",
    "upstream_reset",
    "draining",
    "shed",
)

# --- what an instance may be called and labelled: refused by the sidecar at its start, and by the registry -----------
INSTANCE_ID_PATTERN: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
INSTANCE_ID_RULE: Final = "letters, digits, '.', '_' and '-', 1 to 128 of them, the first a letter or digit"
LABEL_KEY_PATTERN: Final = r"[A-Za-z0-9][A-Za-z0-9._/-]{0,62}"
LABEL_RULE: Final = (
    "a key is 1 to 63 letters, digits and ._/-, the first a letter or digit; a value at most 128 characters"
)
LONGEST_LABEL: Final = 128
MOST_LABELS: Final = 32
LARGEST_WEIGHT: Final = 1_000_000
LONGEST_UNHEALTHY_REASON: Final = 512

# --- places ---------------------------------------------------------------------------------------------------------
CONTROL_PLANE_PORT: Final = 7443
OUTBOUND_PORT: Final = 7440
SIDECAR_ADMIN_PORT: Final = 7442
DASHBOARD_PORT: Final = 7480
OPERATOR_CREDENTIAL: Final = "operator.json"  # in the control plane's data folder, mode 0600
# Folder of the engine's identity, 0700: key.pem (0600), chain.pem, bundle.pem.
IDENTITY_KEY: Final = "key.pem"
IDENTITY_CHAIN: Final = "chain.pem"
IDENTITY_BUNDLE: Final = "bundle.pem"
# The control plane's own server certificate carries this SPIFFE path and DNS name besides its addresses.
CONTROL_PLANE_NAME: Final = "control-plane.tulle"
# SPIFFE paths that are no workloads: the namespace is reserved and refused for services.
RESERVED_NAMESPACE: Final = "tulle"
OPERATOR_PATH: Final = "/tulle/operator"  # the operator's client certificate, issued by the access CA
JOIN_PATH: Final = "/tulle/join"  # a join token's client certificate, issued by the access CA
