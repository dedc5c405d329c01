//! The life of a connection: accepted or made, established, lost or closed; and what that means for its calls.

use super::connection::{Draining, Side, Stage};
use super::names::{ConnectionKey, Listener};
use super::{ConnectFault, TlsFault, Worker};
use crate::call::Failure;
use crate::call::reply::Refusal;
use crate::call::route::port_authority;
use tulle_http2::Role;
use tulle_mesh::outcome::Outcome;
use tulle_mesh::reason::Reason;
use tulle_mesh::resilience::breaker::Limit;
use tulle_mesh::spiffe::SpiffeId;
use tulle_mesh::telemetry::CounterName;

impl Worker {
    /// A connection has come in at `listener`; inbound ones are to be [`Worker::established`] after their handshake.
    pub fn accept(&mut self, listener: Listener) -> ConnectionKey {
        let label = match listener {
            Listener::Outbound => "outbound",
            Listener::UpstreamPort(_) => "upstream_port",
            Listener::Inbound | Listener::InboundPlaintext => "inbound",
        };
        self.telemetry.counters.add(CounterName::ConnectionsAccepted, label, 1);
        let authority = port_authority(listener, &self.settings.upstream_ports);
        let stage = if listener == Listener::Inbound { Stage::Opening } else { Stage::Sniffing };
        let side = Side::Downstream { listener, authority, peer: None };
        self.add_connection(Role::Server, side, stage)
    }

    /// The connection's handshake is done; a downstream peer has proved `peer`.
    pub fn established(&mut self, key: ConnectionKey, peer: Option<SpiffeId>) {
        let Some(connection) = self.connections.get_mut(key.0) else { return };
        if connection.stage != Stage::Opening {
            return;
        }
        connection.stage = Stage::Open;
        connection.received_at = self.now;
        match &mut connection.side {
            Side::Downstream { peer: proven, .. } => *proven = peer,
            Side::Upstream { pool, cell, .. } => {
                self.turn.free(*pool);
                if let Some(cell) = cell {
                    cell.connection_opened();
                }
            }
        }
        self.touch(key.0);
        self.drain_newcomer(key.0);
    }

    /// A connection could not be made; `cause` in words.
    pub fn connect_failed(&mut self, key: ConnectionKey, fault: ConnectFault, cause: &str) {
        let Some(connection) = self.connections.get(key.0) else { return };
        let (stage, pool) = match connection.side {
            Side::Upstream { pool, .. } => (connection.stage, Some(pool)),
            Side::Downstream { .. } => (connection.stage, None),
        };
        self.forget_connection(key.0, "connect");
        if let Some(index) = pool.filter(|_| stage == Stage::Opening) {
            self.fail_queue(index, fault, cause);
        }
    }

    /// TLS broke, in the handshake or after it; `cause` in words.
    pub fn tls_failed(&mut self, key: ConnectionKey, fault: TlsFault, cause: &str) {
        let Some(connection) = self.connections.get(key.0) else { return };
        let unanswered = !connection.http2.settings_received();
        match (connection.stage, fault) {
            (Stage::Opening, _) => self.connect_failed(key, ConnectFault::Peer, cause),
            (_, TlsFault::CertificateRefused) if unanswered => self.turned_away(key.0, cause),
            _ => self.lose_connection(key.0, "tls", cause),
        }
    }

    /// The handshake was not over at the server: its calls go elsewhere, as if there had been no connection.
    fn turned_away(&mut self, key: u32, cause: &str) {
        if let Some(Side::Upstream { pool, .. }) = self.connections.get(key).map(|connection| &connection.side)
            && let Some(pool) = self.pools.get_mut(*pool)
        {
            pool.connect_failed(self.now);
        }
        self.tell_lost(key, "tls", cause);
        self.break_calls(key, cause, Outcome::connect_failed());
        self.forget_connection(key, "tls");
    }

    /// The peer has closed the connection, or it broke.
    pub fn closed(&mut self, key: ConnectionKey) {
        let Some(connection) = self.connections.get(key.0) else { return };
        if connection.stage == Stage::Opening {
            return self.connect_failed(key, ConnectFault::Peer, "closed during the handshake");
        }
        let did = connection.closed_words();
        self.lose_connection(key.0, "peer", &did);
    }

    /// A fault of ours while this connection was at hand: it alone pays. Without one, nobody does.
    pub fn panicked(&mut self, at_hand: Option<ConnectionKey>) {
        self.telemetry.counters.add(CounterName::Panics, "", 1);
        self.turn.cut_short(self.pools.with_pending());
        let Some(ConnectionKey(key)) = at_hand else { return };
        self.lose_by_own_fault(key, "panic", "was closed by a fault of the proxy");
    }

    /// A connection for a pool; refused where the service has as many as may be.
    pub(crate) fn connect(&mut self, call: u32, index: usize) -> Result<(), Refusal> {
        let (Some(call), Some(pool)) = (self.calls.get(call), self.pools.get(index)) else {
            self.impossible::<()>("connect");
            return Ok(());
        };
        let policy = &call.policy;
        let breaker = policy.breaker().clone();
        if let Err(reached) = breaker.acquire(Limit::Connections) {
            let message = format!(
                "{} connections to {} are open, as many as circuitBreaker.maxConnections lets",
                reached.value,
                policy.callee()
            );
            return Err(Refusal::local(Reason::BreakerOpen, message));
        }
        let target = pool.target.clone();
        let side = Side::Upstream { pool: index, cell: target.cell().cloned(), breaker };
        let key = self.add_connection(Role::Client, side, Stage::Opening);
        self.connections.dial(key, target.address(), target.identity().cloned());
        match self.pools.get_mut(index) {
            Some(pool) => {
                pool.connections.push(key.0);
                pool.links += 1;
            }
            None => self.impossible("connect"),
        }
        Ok(())
    }

    fn add_connection(&mut self, role: Role, side: Side, stage: Stage) -> ConnectionKey {
        let limits = &self.settings.limits;
        let config = match side {
            Side::Downstream { listener: Listener::Inbound | Listener::InboundPlaintext, .. }
            | Side::Upstream { cell: Some(_), .. } => limits.http2_of_sidecar(role),
            Side::Downstream { .. } => limits.http2_of_application(),
            Side::Upstream { cell: None, .. } => limits.http2(role),
        };
        let key = self.connections.insert(config, side, stage, self.now);
        self.arm_first_upkeep(key.0);
        key
    }

    /// We give the connection up: what is in its output (a GOAWAY) still goes out.
    pub(crate) fn fail_connection(&mut self, key: u32, label: &'static str, did: &str) {
        self.tell_lost(key, label, did);
        self.break_calls(key, did, Outcome::connection_lost());
        self.close_gracefully(key, label);
        self.hurry_closing(key);
    }

    /// The connection is gone.
    pub(crate) fn lose_connection(&mut self, key: u32, label: &'static str, did: &str) {
        self.tell_lost(key, label, did);
        self.break_calls(key, did, Outcome::connection_lost());
        self.forget_connection(key, label);
    }

    /// The connection is given up though nobody but the mesh is to blame: what ends with it is counted so, and its server
    /// is not judged by it.
    pub(crate) fn lose_by_own_fault(&mut self, key: u32, label: &'static str, did: &str) {
        self.own_fault = Some(label);
        self.tell_lost(key, label, did);
        self.break_calls(key, did, Outcome::local(Reason::UpstreamReset));
        self.own_fault = None;
        self.forget_connection(key, label);
    }

    /// Closes once the output is out, however long its peer takes to read it; no call is on it.
    pub(crate) fn close_gracefully(&mut self, key: u32, label: &'static str) {
        let Some(connection) = self.connections.get_mut(key) else { return self.impossible("close_gracefully") };
        if connection.stage == Stage::Opening {
            return self.forget_connection(key, label);
        }
        if connection.stage != Stage::Closing {
            connection.stage = Stage::Closing;
            (connection.looked_at, connection.unread_looks) = (self.now, 0);
            self.telemetry.counters.add(CounterName::ConnectionsClosed, label, 1);
            self.leave_pool(key);
            self.arm_first_upkeep(key);
            self.touch(key);
        }
    }

    /// Says `last` and closes.
    pub(crate) fn refuse_connection(&mut self, key: u32, last: &[u8]) {
        let Some(connection) = self.connections.get_mut(key) else { return self.impossible("refuse_connection") };
        connection.http2.advance_output(connection.http2.output().len());
        connection.prelude.extend_from_slice(last);
        self.close_gracefully(key, "refused");
        self.hurry_closing(key);
    }

    /// An upstream connection takes no new call; those on it go on.
    pub(crate) fn retire_connection(&mut self, key: u32) {
        self.leave_pool(key);
        self.close_if_idle(key);
    }

    /// Retired, drained or left by its peer, a connection closes with its last stream.
    pub(crate) fn close_if_idle(&mut self, key: u32) {
        let Some(connection) = self.connections.get_mut(key) else { return self.impossible("close_if_idle") };
        if connection.stage == Stage::Opening || connection.http2.active_streams() > 0 {
            return;
        }
        let leaving = match &connection.side {
            Side::Upstream { pool, .. } => {
                connection.http2.is_going_away() || self.pools.get(*pool).is_none_or(|pool| pool.retired)
            }
            Side::Downstream { .. } => connection.draining == Draining::Last,
        };
        if leaving {
            connection.http2.shutdown();
            self.close_gracefully(key, "drained");
        }
    }

    /// The peer takes no new streams; the calls it never saw are told so by events of their own.
    pub(crate) fn peer_goes_away(&mut self, key: u32) {
        self.retire_connection(key);
    }

    /// The peer's SETTINGS may have raised its stream limit.
    pub(crate) fn peer_settled(&mut self, key: u32) {
        if let Some(Side::Upstream { pool, .. }) = self.connections.get(key).map(|connection| &connection.side) {
            self.turn.free(*pool);
        }
    }

    /// A stream of an upstream connection has ended.
    pub(crate) fn stream_freed(&mut self, key: u32, pool: usize) {
        let (retired, waits) = match self.pools.get(pool) {
            Some(pool) => (pool.retired, !pool.pending.is_empty()),
            None => (true, false),
        };
        if waits {
            self.turn.free(pool);
        }
        if retired || self.connections.get(key).is_some_and(|connection| connection.http2.is_going_away()) {
            self.close_if_idle(key);
        }
    }

    /// A stream of a downstream connection has ended.
    pub(crate) fn after_downstream_stream(&mut self, key: u32) {
        let Some(connection) = self.connections.get_mut(key) else { return self.impossible("after_downstream_stream") };
        connection.busy_since = self.now;
        if connection.draining != Draining::No {
            self.close_if_idle(key);
        }
    }

    /// Ends the calls of a connection; `lost` is what those come to whose head has left.
    fn break_calls(&mut self, key: u32, did: &str, lost: Outcome) {
        for call in self.calls.keys(|call| call.down.connection == key) {
            self.on_caller_gone(call);
        }
        let written = self.connections.get(key).map_or(0, |connection| connection.written);
        for call in self.calls.keys(|call| call.up().is_some_and(|up| up.connection == key)) {
            let starts = self.calls.get(call).and_then(|c| c.attempt.as_ref()).map_or(0, |attempt| attempt.head_starts);
            // A head of which no byte was written is no call that anybody can have executed.
            let outcome = if starts >= written { Outcome::refused() } else { lost };
            let message = self.upstream_words(call, did);
            self.attempt_failed(call, Failure::new(outcome, message));
        }
    }

    fn forget_connection(&mut self, key: u32, label: &'static str) {
        self.leave_pool(key);
        self.unite(key);
        let Some(mut connection) = self.connections.remove(key) else { return };
        if connection.stage != Stage::Closing {
            self.telemetry.counters.add(CounterName::ConnectionsClosed, label, 1);
        }
        self.timers.cancel(&mut connection.upkeep);
        if let Side::Upstream { cell, breaker, pool } = &connection.side {
            if let Some(pool) = self.pools.get_mut(*pool) {
                pool.links -= 1;
            }
            breaker.release(Limit::Connections);
            if let Some(cell) = cell.as_ref().filter(|_| connection.stage != Stage::Opening) {
                cell.connection_closed();
            }
        }
        self.expect_tidying();
    }

    /// The last byte is out, or the peer does not take it.
    pub(crate) fn finish_closing(&mut self, key: u32) {
        self.forget_connection(key, "closing");
    }

    fn leave_pool(&mut self, key: u32) {
        let Some(Side::Upstream { pool, .. }) = self.connections.get(key).map(|connection| &connection.side) else {
            return;
        };
        let index = *pool;
        let Some(pool) = self.pools.get_mut(index) else { return self.impossible("leave_pool") };
        pool.forget_connection(key);
        if !pool.pending.is_empty() {
            self.turn.free(index);
        }
    }

    /// Without any connection, open or on its way, those that wait for one go elsewhere.
    fn fail_queue(&mut self, index: usize, fault: ConnectFault, cause: &str) {
        let now = self.now;
        let Some(pool) = self.pools.get_mut(index) else { return self.impossible("fail_queue") };
        pool.connect_failed(now);
        if !pool.connections.is_empty() {
            return;
        }
        let outcome = match fault {
            ConnectFault::Peer => Outcome::connect_failed(),
            ConnectFault::Local => Outcome::local_fault(),
        };
        let address = pool.target.address();
        let waiting: Vec<u32> = pool.pending.iter().copied().collect();
        for key in waiting {
            let message = format!("no connection to {address}: {cause}");
            self.attempt_failed(key, Failure::new(outcome, message));
        }
    }
}
