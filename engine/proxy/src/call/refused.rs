//! Requests that are refused before they become calls are counted all the same.

use super::Policy;
use super::reply::Refusal;
use crate::worker::Worker;
use crate::worker::connection::Side;
use crate::worker::names::Listener;
use tulle_mesh::proto::Direction;
use tulle_mesh::telemetry::{CallSample, SeriesKey};

impl Worker {
    /// `policy` where one was found; the request's head is in `self.fields`.
    pub(crate) fn record_refused(&mut self, connection: u32, policy: Option<&Policy>, refusal: &Refusal) {
        let side = self.connections.get(connection).map(|connection| &connection.side);
        let Some(Side::Downstream { listener, peer, .. }) = side else { return self.impossible("record_refused") };
        let inbound = matches!(listener, Listener::Inbound | Listener::InboundPlaintext);
        let own = self.snapshot.as_ref().and_then(|snapshot| snapshot.inbound()).filter(|_| inbound);
        let path = self.fields.get(b":path").unwrap_or_default();
        let method = match (policy, own) {
            (Some(policy), _) => policy.method_name(),
            (None, Some(own)) => own.method_name(own.learn(path, &refusal.outcome)),
            (None, None) => "other",
        };
        let caller = if inbound { peer.as_ref().map_or("external", |peer| peer.as_str()) } else { "unknown" };
        let key = SeriesKey {
            direction: if inbound { Direction::Inbound } else { Direction::Outbound },
            peer: policy.map_or(caller, Policy::peer),
            cluster: "",
            method,
            status: refusal.outcome.code,
            reason: refusal.outcome.reason,
            mtls: peer.is_some(),
        };
        self.telemetry.series.record(&key, &CallSample::default());
    }
}
