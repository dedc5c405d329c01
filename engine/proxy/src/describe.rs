//! What is in force, as JSON for `tulle describe` and the admin port.

use crate::identity::CurrentIdentity;
use crate::settings::Settings;
use std::fmt::Write;
use std::time::Instant;
use tulle_mesh::balance::Cluster;
use tulle_mesh::proto::EngineAddresses;
use tulle_mesh::snapshot::{Service, Snapshot};

/// A JSON object under construction.
struct Object(String);

pub(crate) fn engine(
    settings: &Settings,
    addresses: Option<&EngineAddresses>,
    identity: Option<&CurrentIdentity>,
    snapshot: Option<&Snapshot>,
) -> String {
    let mut json = Object::new();
    json.text("service", &settings.service);
    json.text("instance", &settings.instance);
    json.raw("workers", &settings.workers.to_string());
    json.raw("addresses", &addresses.map_or_else(null, addresses_json));
    json.raw("identity", &identity.map_or_else(null, identity_json));
    json.raw("limits", &limits_json(settings));
    json.raw("revision", &snapshot.map_or(0, Snapshot::revision).to_string());
    json.raw("services", &list(snapshot.iter().flat_map(|s| s.services()).map(|service| service_json(service))));
    let mut clusters: Vec<_> = snapshot.iter().flat_map(|s| s.clusters()).collect();
    clusters.sort_by(|a, b| a.name().cmp(b.name()));
    json.raw("clusters", &list(clusters.into_iter().map(|cluster| cluster_json(cluster))));
    json.end()
}

fn addresses_json(addresses: &EngineAddresses) -> String {
    let mut json = Object::new();
    json.text("outbound", &addresses.outbound);
    json.text("inbound", &addresses.inbound);
    let ports = addresses.upstream_ports.iter().map(|port| {
        let mut json = Object::new();
        json.text("listen", &port.listen);
        json.text("authority", &port.authority);
        json.end()
    });
    json.raw("upstream_ports", &list(ports));
    json.end()
}

fn identity_json(identity: &CurrentIdentity) -> String {
    let mut json = Object::new();
    json.text("spiffe_id", &identity.spiffe_id);
    json.raw("not_after_unix", &identity.not_after_unix.to_string());
    json.end()
}

fn limits_json(settings: &Settings) -> String {
    let limits = &settings.limits;
    let mut json = Object::new();
    json.raw("max_concurrent_streams", &limits.max_concurrent_streams.to_string());
    json.raw("max_header_list_bytes", &limits.headers.max_list_bytes.to_string());
    json.raw("max_header_fields", &limits.headers.max_fields.to_string());
    json.raw("max_continuation_frames", &limits.headers.max_continuations.to_string());
    json.raw("stream_window_bytes", &limits.stream_window.to_string());
    json.raw("connection_window_bytes", &limits.connection_window.to_string());
    json.raw("retry_buffer_bytes_per_call", &limits.retry_buffer_per_call.to_string());
    json.raw("retry_buffer_bytes_per_worker", &limits.retry_buffer_per_worker.to_string());
    json.raw("resets", &limits.peer.resets.to_string());
    json.raw("stream_errors", &limits.peer.stream_errors.to_string());
    json.raw("empty_data_frames", &limits.peer.empty_data.to_string());
    json.raw("settings_frames", &limits.peer.settings.to_string());
    json.raw("control_frames", &limits.peer.control_frames.to_string());
    json.raw("unread_frames", &limits.peer.unread_frames.to_string());
    json.raw("unread_bytes", &limits.peer.unread_bytes.to_string());
    json.raw("header_block_timeout_s", &limits.headers.block_timeout.as_secs_f64().to_string());
    json.raw("handshake_timeout_s", &limits.handshake_timeout.as_secs_f64().to_string());
    json.raw("idle_timeout_s", &limits.idle_timeout.as_secs_f64().to_string());
    json.raw("stall_timeout_s", &limits.stall_timeout.as_secs_f64().to_string());
    json.end()
}

fn service_json(service: &Service) -> String {
    let mut json = Object::new();
    json.text("name", &service.name);
    json.text("breaker", &format!("{:?}", service.breaker.state()).to_ascii_lowercase());
    let routes = service.routes().iter().map(|route| {
        let mut json = Object::new();
        json.text("name", &route.name);
        json.raw("attempts", &route.policy.retry.attempts.to_string());
        let timeout = route.policy.request_timeout.map_or_else(null, |timeout| timeout.as_secs_f64().to_string());
        json.raw("request_timeout_s", &timeout);
        let backends = route.backends().map(|(cluster, weight)| {
            let mut json = Object::new();
            json.text("cluster", cluster.name());
            json.raw("weight", &weight.to_string());
            json.end()
        });
        json.raw("backends", &list(backends));
        json.end()
    });
    json.raw("routes", &list(routes));
    json.end()
}

fn cluster_json(cluster: &Cluster) -> String {
    let now = Instant::now();
    let mut json = Object::new();
    json.text("name", cluster.name());
    let endpoints = cluster.endpoints().iter().map(|cell| {
        let mut json = Object::new();
        json.text("id", &cell.id);
        json.text("address", &cell.address.to_string());
        json.text("identity", cell.identity.as_ref().map_or("", |identity| identity.as_str()));
        json.raw("healthy", &cell.healthy.to_string());
        json.text("state", &format!("{:?}", cell.state()).to_ascii_lowercase());
        json.raw("in_flight", &cell.in_flight().to_string());
        json.raw("connections", &cell.connections().to_string());
        json.raw("ewma_ms", &(cell.ewma(now).as_secs_f64() * 1000.0).to_string());
        json.end()
    });
    json.raw("endpoints", &list(endpoints));
    json.end()
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

fn null() -> String {
    "null".to_owned()
}

// === impl Object ===

impl Object {
    fn new() -> Self {
        Self("{".to_owned())
    }

    fn text(&mut self, name: &str, value: &str) {
        let mut quoted = String::with_capacity(value.len() + 2);
        quoted.push('"');
        for character in value.chars() {
            match character {
                '"' | '\\' => quoted.extend(['\\', character]),
                // Writing to a String never fails.
                c if c.is_control() => quoted.push_str(&format!("\\u{:04x}", c as u32)),
                c => quoted.push(c),
            }
        }
        quoted.push('"');
        self.raw(name, &quoted);
    }

    fn raw(&mut self, name: &str, value: &str) {
        let comma = if self.0.len() > 1 { "," } else { "" };
        let _ = write!(self.0, "{comma}\"{name}\":{value}");
    }

    fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}
