//! A worker between clients and servers in memory.

#[path = "far_end.rs"]
mod far_end;

pub(crate) use far_end::{Exchange, Peer, fields};

use crate::policy::{Policy, config};
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tulle_http2::{Role, StreamId, Token};
use tulle_mesh::telemetry::CounterName;
use tulle_mesh::wire;
use tulle_proxy::worker::{Action, ConnectFault, ConnectionKey, Listener, Worker};
use tulle_proxy::{Settings, proto};

pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) worker: Worker,
    pub(crate) peers: HashMap<ConnectionKey, Peer>,
    pub(crate) dead: HashSet<SocketAddr>,
    pub(crate) unanswered: HashSet<SocketAddr>,
    /// Connections to those.
    pub(crate) connecting: Vec<(ConnectionKey, SocketAddr)>,
    pub(crate) server_streams: u32,
    /// It stands before an application, and other sidecars call.
    pub(crate) is_callee: bool,
    pub(crate) closed: Vec<ConnectionKey>,
    pub(crate) snapshot: Option<Arc<tulle_mesh::snapshot::Snapshot>>,
}

pub(crate) fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// One endpoint that proves an identity.
pub(crate) fn to_a_sidecar() -> Policy {
    let mut policy = Policy::to(&[address(1)]);
    policy.snapshot.clusters[0].endpoints[0].identity = "spiffe://shop.local/shop/echo".into();
    policy
}

impl World {
    pub(crate) fn new(policy: &Policy) -> Self {
        Self::with_config(config(), policy)
    }

    pub(crate) fn with_config(config: proto::EngineConfig, policy: &Policy) -> Self {
        let settings = Arc::new(Settings::try_from(config).expect("a good config"));
        let now = Instant::now();
        let mut world = Self {
            now,
            worker: Worker::new(settings, now, 1_000_000_000, 42),
            peers: HashMap::new(),
            dead: HashSet::new(),
            unanswered: HashSet::new(),
            connecting: Vec::new(),
            server_streams: 100,
            is_callee: false,
            closed: Vec::new(),
            snapshot: None,
        };
        world.apply(policy);
        world
    }

    /// A sidecar before the application at port 1, where any sidecar may call.
    pub(crate) fn callee() -> Self {
        Self::callee_under(&Self::callee_policy())
    }

    pub(crate) fn callee_under(policy: &Policy) -> Self {
        let config = proto::EngineConfig {
            inbound_listen: "127.0.0.1:0".into(),
            application: address(1).to_string(),
            identity_dir: "unused".into(),
            ..config()
        };
        Self { is_callee: true, ..Self::with_config(config, policy) }
    }

    pub(crate) fn callee_policy() -> Policy {
        let mut policy = Policy::to(&[]);
        policy.snapshot.inbound = Some(proto::Inbound {
            identity: "spiffe://shop.local/shop/echo".into(),
            service: "shop/echo".into(),
            allow_by_default: true,
            circuit_breaker: Some(crate::policy::breaker()),
            ..Default::default()
        });
        policy
    }

    /// Another sidecar's connection on the inbound listener.
    pub(crate) fn sidecar(&mut self) -> ConnectionKey {
        let key = self.worker.accept(Listener::Inbound);
        let identity = tulle_mesh::spiffe::SpiffeId::parse("spiffe://shop.local/shop/front").expect("an id");
        self.worker.established(key, Some(identity));
        self.peers.insert(key, Peer::new(Role::Client, 100, None));
        self.run();
        key
    }

    pub(crate) fn apply(&mut self, policy: &Policy) {
        let snapshot = Arc::new(wire::decode(&policy.bytes(), self.snapshot.as_deref()).expect("a good snapshot"));
        self.snapshot = Some(snapshot.clone());
        self.worker.apply(snapshot);
        self.run();
    }

    /// A caller's connection on the outbound listener.
    pub(crate) fn caller(&mut self) -> ConnectionKey {
        let key = self.worker.accept(Listener::Outbound);
        self.peers.insert(key, Peer::new(Role::Client, 100, None));
        self.run();
        key
    }

    /// A request; `body` is its one piece of data, after which it ends.
    pub(crate) fn call(&mut self, caller: ConnectionKey, method: &str, more: &[(&str, &str)], body: &[u8]) -> StreamId {
        let path = format!("/t.Echo/{method}");
        let mut list = vec![(":method", "POST"), (":scheme", "http"), (":path", &*path), (":authority", "echo.shop")];
        list.extend([("te", "trailers"), ("content-type", "application/grpc")]);
        list.extend(more);
        let codec = &mut self.peers.get_mut(&caller).expect("the caller").codec;
        let stream = codec.open(Token(7), &fields(&list), false).expect("a stream");
        codec.send_data(stream, body, true);
        self.run();
        stream
    }

    pub(crate) fn seen(&self, caller: ConnectionKey, stream: StreamId) -> Exchange {
        self.peers[&caller].exchanges.get(&stream.get()).cloned().unwrap_or_default()
    }

    /// Connections to servers that are open, in the order in which they were made.
    pub(crate) fn servers(&self) -> Vec<ConnectionKey> {
        let mut keys: Vec<_> =
            self.peers.iter().filter(|(_, peer)| peer.address.is_some()).map(|(key, _)| *key).collect();
        keys.sort_by_key(|key| key.0);
        keys
    }

    pub(crate) fn server(&mut self, key: ConnectionKey) -> &mut Peer {
        self.peers.get_mut(&key).expect("an open connection")
    }

    /// Requests that servers have seen, over all connections that are open.
    pub(crate) fn request_count(&self) -> usize {
        self.servers().iter().map(|key| self.peers[key].exchanges.len()).sum()
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        let end = self.now + by;
        // Each timer at its own time, as the loop would wake for it.
        while let Some(at) = self.worker.next_timer().filter(|at| *at <= end) {
            self.now = at.max(self.now);
            self.run();
        }
        self.now = end;
        self.run();
    }

    /// Until nothing moves any more.
    pub(crate) fn run(&mut self) {
        self.worker.turn(self.now);
        loop {
            self.worker.settle();
            let wrote = self.write_all();
            let acted = self.act();
            let read = self.read_all();
            if !wrote && !acted && !read && self.worker.is_settled() {
                return self.check_look_ups();
            }
        }
    }

    /// Whatever a test does: what must be there is found.
    fn check_look_ups(&self) {
        let counters = self.worker.telemetry.counters.iter();
        let missed: Vec<_> = counters.filter(|(name, _, _)| *name == CounterName::Impossible).collect();
        assert!(missed.is_empty(), "look-ups missed: {missed:?}");
    }

    pub(crate) fn write_all(&mut self) -> bool {
        let mut any = false;
        while let Some(key) = self.worker.next_dirty() {
            let Some(peer) = self.peers.get_mut(&key) else { continue };
            if peer.silent {
                continue;
            }
            loop {
                let output = self.worker.output(key).to_vec();
                if output.is_empty() {
                    break;
                }
                any = true;
                self.worker.wrote(key, output.len());
                peer.receive(self.now, &output);
            }
            self.worker.flushed(key);
        }
        any
    }

    fn act(&mut self) -> bool {
        let mut any = false;
        while let Some(action) = self.worker.next_action() {
            any = true;
            match action {
                Action::Connect { key, address, .. } if self.dead.contains(&address) => {
                    self.worker.connect_failed(key, ConnectFault::Peer, "connection refused");
                }
                Action::Connect { key, address, .. } if self.unanswered.contains(&address) => {
                    self.connecting.push((key, address));
                }
                Action::Connect { key, address, .. } => {
                    self.peers.insert(key, Peer::new(Role::Server, self.server_streams, Some(address)));
                    self.worker.established(key, None);
                }
                Action::Close { key } => {
                    self.peers.remove(&key);
                    self.closed.push(key);
                }
            }
        }
        any
    }

    pub(crate) fn read_all(&mut self) -> bool {
        let mut any = false;
        let keys: Vec<_> = self.peers.keys().copied().collect();
        for key in keys {
            let Some(peer) = self.peers.get_mut(&key).filter(|peer| !peer.silent) else { continue };
            let output = peer.codec.output().to_vec();
            if output.is_empty() {
                continue;
            }
            any = true;
            peer.sent += output.len();
            peer.codec.advance_output(output.len());
            peer.codec.pump();
            self.worker.received(key, &output);
        }
        any
    }

    /// The servers that did not answer do so now; what comes of it waits for the next [`Self::run`].
    pub(crate) fn answer(&mut self) {
        for (key, address) in std::mem::take(&mut self.connecting) {
            self.peers.insert(key, Peer::new(Role::Server, self.server_streams, Some(address)));
            self.worker.established(key, None);
        }
    }

    /// The server's connection breaks.
    pub(crate) fn kill(&mut self, key: ConnectionKey) {
        self.peers.remove(&key);
        self.worker.closed(key);
        self.run();
    }

    pub(crate) fn counter(&self, name: CounterName, label: &str) -> u64 {
        self.worker.telemetry.counters.get(name, label)
    }
}
