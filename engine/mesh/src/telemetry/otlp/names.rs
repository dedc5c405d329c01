//! The names that telemetry goes out under: `protos/names.py`, as far as OTLP needs it. A test on the agent's side holds
//! what is sent equal to what OpenTelemetry's SDK makes of that table.

use super::messages::{AnyValue, KeyValue, Value};
use crate::status::Code;
use crate::telemetry::counters::EJECTIONS_SPARED;

pub(super) const CLIENT_CALL_DURATION: &str = "rpc.client.call.duration";
pub(super) const SERVER_CALL_DURATION: &str = "rpc.server.call.duration";
pub(super) const REQUEST_BYTES: &str = "tulle.call.request.size";
pub(super) const RESPONSE_BYTES: &str = "tulle.call.response.size";
pub(super) const RETRIES: &str = "tulle.call.retries";
pub(super) const WITHOUT_DEADLINE: &str = "tulle.call.without_deadline";
pub(super) const ENDPOINT_STATE: &str = "tulle.endpoint.breaker.state";
pub(super) const ENDPOINT_EJECTIONS: &str = "tulle.endpoint.ejections";
pub(super) const ENDPOINT_CONSECUTIVE_FAILURES: &str = "tulle.endpoint.consecutive_failures";
pub(super) const ENDPOINT_IN_FLIGHT: &str = "tulle.endpoint.in_flight";
pub(super) const ENDPOINT_CONNECTIONS: &str = "tulle.endpoint.connections";
pub(super) const ENDPOINT_EWMA: &str = "tulle.endpoint.latency.ewma";
pub(super) const ENDPOINT_OPEN_REMAINING: &str = "tulle.endpoint.open_remaining";
pub(super) const SERVICE_STATE: &str = "tulle.service.breaker.state";
pub(super) const SERVICE_CONNECTIONS: &str = "tulle.service.connections";
pub(super) const SERVICE_PENDING: &str = "tulle.service.pending";
pub(super) const SERVICE_REQUESTS: &str = "tulle.service.requests";
pub(super) const SERVICE_REFUSED: &str = "tulle.service.refused";
pub(super) const CONFIG_REVISION: &str = "tulle.config.revision";
pub(super) const CERT_EXPIRY: &str = "tulle.cert.expiry.timestamp";
pub(super) const BROKEN_BY_MESH: &str = "tulle.rpcs_broken_by_mesh";
pub(super) const DROPPED_SPANS: &str = "tulle.telemetry.dropped_spans";
pub(super) const DROPPED_SERIES: &str = "tulle.telemetry.dropped_series";

pub(super) const RPC_SYSTEM: &str = "rpc.system.name";
pub(super) const RPC_METHOD: &str = "rpc.method";
pub(super) const RPC_STATUS: &str = "rpc.response.status_code";
pub(super) const SOURCE: &str = "tulle.source";
pub(super) const TARGET: &str = "tulle.target";
pub(super) const CLUSTER: &str = "tulle.cluster";
pub(super) const ENDPOINT: &str = "tulle.endpoint";
pub(super) const REASON: &str = "tulle.reason";
pub(super) const LIMIT: &str = "tulle.limit";
pub(super) const MTLS: &str = "tulle.mtls";
pub(super) const ROUTE: &str = "tulle.route";
pub(super) const ATTEMPT: &str = "tulle.attempt";

/// A caller that is no workload.
pub(super) const EXTERNAL: &str = "external";

/// The attribute that a counter's label becomes; `None` where it has none.
pub(super) fn label_of(counter: &str) -> Option<&'static str> {
    match counter {
        BROKEN_BY_MESH
        | "tulle.connections.closed"
        | "tulle.connections.refused"
        | "tulle.retries.skipped"
        | "tulle.protocol.errors"
        | "tulle.protocol.stream_errors" => Some("reason"),
        "tulle.connections.accepted" => Some("tulle.listener"),
        "tulle.limits.exceeded" => Some(LIMIT),
        "tulle.engine.impossible" => Some("tulle.place"),
        EJECTIONS_SPARED => Some(TARGET),
        _ => None,
    }
}

/// "OK", "UNAVAILABLE", …; a number that gRPC does not know is UNKNOWN to its clients.
pub(super) fn status_name(number: u32) -> &'static str {
    Code::from_number(number).unwrap_or(Code::Unknown).name()
}

/// "namespace/name" of a workload's SPIFFE id, [`EXTERNAL`] for whatever else called.
pub(super) fn workload(spiffe_id: &str) -> &str {
    let path = spiffe_id.strip_prefix("spiffe://").and_then(|rest| rest.split_once('/')).map(|(_, path)| path);
    path.filter(|path| path.bytes().filter(|byte| *byte == b'/').count() == 1).unwrap_or(EXTERNAL)
}

pub(super) fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::Text(value.into()))
}

pub(super) fn truth(key: &str, value: bool) -> KeyValue {
    attribute(key, Value::Bool(value))
}

pub(super) fn int(key: &str, value: i64) -> KeyValue {
    attribute(key, Value::Int(value))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.into(), value: Some(AnyValue { value: Some(value) }) }
}
