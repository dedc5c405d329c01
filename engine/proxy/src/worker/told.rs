//! What the worker does by itself, told to the operator: each call that it ends, cuts or refuses, each connection lost
//! with calls on it, each limit that a peer went over. What is the mesh's own fault is counted here and nowhere else.

use super::Worker;
use super::connection::{Connection, Side};
use super::names::Listener;
use crate::call::Call;
use crate::call::reply::Refusal;
use tulle_http2::{ErrorCode, StreamId, Token};
use tulle_mesh::blame::Blame;
use tulle_mesh::outcome::Outcome;
use tulle_mesh::proto::{EngineEvent, EventKind};
use tulle_mesh::status::Code;
use tulle_mesh::telemetry::CounterName;

/// How a call ended, for its event.
struct Ended<'a> {
    reason: &'static str,
    code: Code,
    text: &'a str,
    mesh_fault: bool,
}

// === impl Worker ===

impl Worker {
    /// The proxy itself said how a call ended; `text` is what its caller was told.
    #[cold]
    pub(crate) fn tell_ended(&mut self, key: u32, outcome: &Outcome, text: &str) {
        let own_fault = self.own_fault;
        let reason = own_fault.unwrap_or_else(|| word(outcome));
        let mesh_fault = own_fault.is_some() || outcome.blame() == Blame::Mesh;
        self.tell_call(key, &Ended { reason, code: outcome.code, text, mesh_fault });
    }

    /// A call was cut under its caller, who is told nothing any more.
    #[cold]
    pub(crate) fn tell_cut(&mut self, key: u32, reason: &'static str, text: &str) {
        let mesh_fault = self.own_fault.is_some();
        let code = if mesh_fault { Code::Unavailable } else { Code::Cancelled };
        self.tell_call(key, &Ended { reason, code, text, mesh_fault });
    }

    /// A request was refused before it became a call; its head is in `self.fields`.
    #[cold]
    pub(crate) fn tell_refused(&mut self, connection: u32, refusal: &Refusal) {
        let outcome = &refusal.outcome;
        let mesh_fault = outcome.blame() == Blame::Mesh;
        let reason = word(outcome);
        self.count_broken(mesh_fault, reason);
        let at = self.clock.unix_nano(self.now);
        let (peer, fields) = (self.connections.get(connection).map(peer_of), &self.fields);
        self.telemetry.events.tell(at, EventKind::CallEnded, reason, || EngineEvent {
            text: refusal.message.clone(),
            peer: peer.unwrap_or_default().into(),
            method: method(fields.get(b":path")),
            grpc_status: outcome.code.number(),
            mesh_fault,
            ..EngineEvent::default()
        });
    }

    /// A caller broke a rule of HTTP/2 on a stream, which was reset for it.
    #[cold]
    pub(crate) fn tell_stream_error(&mut self, key: u32, stream: StreamId, token: Token, code: ErrorCode) {
        let Some(connection) = self.connections.get(key).filter(|connection| !connection.is_upstream()) else { return };
        let call = self.calls.get(token.0).filter(|call| call.down.connection == key && call.down.stream == stream);
        let at = self.clock.unix_nano(self.now);
        self.telemetry.events.tell(at, EventKind::CallEnded, "malformed", || {
            let fault = connection.http2.fault(stream).map(|fault| format!(": {fault}")).unwrap_or_default();
            EngineEvent {
                text: format!("the caller broke http/2 on its stream, which was reset with {code}{fault}"),
                peer: peer_of(connection).into(),
                method: call.map(|call| method(call.head.get(b":path"))).unwrap_or_default(),
                grpc_status: Code::Internal.number(),
                ..EngineEvent::default()
            }
        });
    }

    /// A connection is about to be lost; where calls are on it that is told, and so is each call that is cut because we
    /// give its caller up. Calls on the way to a server end for themselves.
    #[cold]
    pub(crate) fn tell_lost(&mut self, key: u32, label: &'static str, did: &str) {
        let cut = self.calls.keys(|call| call.down.connection == key);
        let up = self.calls.keys(|call| call.up().is_some_and(|up| up.connection == key)).len();
        let Some(connection) = self.connections.get(key).filter(|_| !cut.is_empty() || up > 0) else { return };
        let at = self.clock.unix_nano(self.now);
        let mesh_fault = self.own_fault.is_some();
        self.telemetry.events.tell(at, EventKind::ConnectionLost, label, || EngineEvent {
            text: format!("{} {did}; calls on it: {}", end_of(connection), cut.len() + up),
            peer: peer_of(connection).into(),
            mesh_fault,
            ..EngineEvent::default()
        });
        if label != "peer" {
            let text = format!("the caller's connection {did}");
            cut.into_iter().for_each(|call| self.tell_cut(call, label, &text));
        }
    }

    /// The proxy stops before callers took the last bytes of so many replies, whose calls have ended.
    pub(crate) fn tell_replies_cut(&mut self, replies: usize) {
        if replies == 0 {
            return;
        }
        self.telemetry.counters.add(CounterName::BrokenByMesh, "shutdown", replies as u64);
        let at = self.clock.unix_nano(self.now);
        self.telemetry.events.tell(at, EventKind::ConnectionLost, "shutdown", || EngineEvent {
            text: format!("the proxy stops before its callers took the end of their replies: {replies}"),
            mesh_fault: true,
            ..EngineEvent::default()
        });
    }

    /// A connection's peer went over a limit for the first time.
    #[cold]
    pub(crate) fn tell_limit(&mut self, key: u32, limit: &'static str) {
        let at = self.clock.unix_nano(self.now);
        let Some(connection) = self.connections.get(key) else { return };
        self.telemetry.events.tell(at, EventKind::Limit, limit, || EngineEvent {
            text: format!("{} went over {limit}", end_of(connection)),
            peer: peer_of(connection).into(),
            ..EngineEvent::default()
        });
    }

    /// A connection was refused before any call could be made on it.
    #[cold]
    pub(crate) fn tell_refused_connection(&mut self, label: &'static str, text: &str) {
        let at = self.clock.unix_nano(self.now);
        let told = || EngineEvent { text: text.to_owned(), ..EngineEvent::default() };
        self.telemetry.events.tell(at, EventKind::ConnectionRefused, label, told);
    }

    fn tell_call(&mut self, key: u32, ended: &Ended<'_>) {
        self.count_broken(ended.mesh_fault, ended.reason);
        let Some(call) = self.calls.get(key) else { return self.impossible("tell_call") };
        let at = self.clock.unix_nano(self.now);
        self.telemetry.events.tell(at, EventKind::CallEnded, ended.reason, || told(call, ended));
    }

    fn count_broken(&mut self, mesh_fault: bool, reason: &'static str) {
        if mesh_fault {
            self.telemetry.counters.add(CounterName::BrokenByMesh, reason, 1);
        }
    }
}

fn told(call: &Call, ended: &Ended<'_>) -> EngineEvent {
    EngineEvent {
        text: ended.text.to_owned(),
        peer: call.policy.peer().into(),
        method: method(call.head.get(b":path")),
        grpc_status: ended.code.number(),
        mesh_fault: ended.mesh_fault,
        ..EngineEvent::default()
    }
}

fn word(outcome: &Outcome) -> &'static str {
    outcome.reason.map_or("other", |reason| reason.as_str())
}

/// "package.Service/Method".
fn method(path: Option<&[u8]>) -> String {
    let path = path.unwrap_or_default();
    String::from_utf8_lossy(path.strip_prefix(b"/").unwrap_or(path)).into_owned()
}

fn peer_of(connection: &Connection) -> &str {
    match &connection.side {
        Side::Upstream { cell, .. } => cell.as_ref().map_or("", |cell| &*cell.id),
        Side::Downstream { peer, .. } => peer.as_ref().map_or("", |peer| peer.as_str()),
    }
}

/// Who is at the other end, in words.
fn end_of(connection: &Connection) -> String {
    match &connection.side {
        Side::Upstream { cell: Some(cell), .. } => format!("the server at {}", cell.address),
        Side::Upstream { cell: None, .. } => "the application".to_owned(),
        Side::Downstream { listener: Listener::Inbound | Listener::InboundPlaintext, .. } => {
            "a caller's sidecar".to_owned()
        }
        Side::Downstream { .. } => "the application that calls".to_owned(),
    }
}
