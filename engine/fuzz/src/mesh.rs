//! Two workers joined in memory: the caller's sidecar and the callee's, as if mTLS were between them.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use prost::Message;
use tulle_mesh::spiffe::SpiffeId;
use tulle_mesh::wire::decode;
use tulle_proxy::worker::{Action, ConnectionKey, Listener, Worker};
use tulle_proxy::{Settings, proto};

use crate::stack::Stack;

const FRONT: &str = "spiffe://shop.local/shop/front";
const ECHO: &str = "spiffe://shop.local/shop/echo";
/// Turns after which a mesh that still moves is taken for one that never rests.
const MOST_TURNS: usize = 10_000;

/// A caller, its sidecar, the callee's sidecar, the application.
pub(crate) struct Mesh {
    now: Instant,
    front: Worker,
    back: Worker,
    caller: ConnectionKey,
    /// What the caller has been told.
    pub(crate) told: Vec<u8>,
    pub(crate) caller_closed: bool,
    /// The front's connections and the back's ends of them, and the other way round.
    across: HashMap<ConnectionKey, ConnectionKey>,
    home: HashMap<ConnectionKey, ConnectionKey>,
    /// The back's connections to the application.
    stacks: HashMap<ConnectionKey, Stack>,
    /// Of those that were closed.
    pub(crate) gone: Vec<Stack>,
}

/// The snapshot of either sidecar: the front calls "shop/echo", the back lets it.
pub(crate) fn snapshot() -> proto::Snapshot {
    let endpoint = proto::Endpoint {
        id: "echo-1".into(),
        address: "127.0.0.1".into(),
        port: 1,
        identity: ECHO.into(),
        weight: 1,
        healthy: true,
        ..Default::default()
    };
    let cluster = proto::Cluster { name: "shop/echo".into(), endpoints: vec![endpoint], ..Default::default() };
    let backend = proto::WeightedCluster { cluster: "shop/echo".into(), weight: 1 };
    let route = proto::Route { name: "default".into(), backends: vec![backend], ..Default::default() };
    let service = proto::Service {
        name: "shop/echo".into(),
        authorities: vec!["echo.shop".into(), "echo".into()],
        routes: vec![route],
        ..Default::default()
    };
    let inbound = proto::Inbound {
        identity: ECHO.into(),
        service: "shop/echo".into(),
        allow_by_default: true,
        ..Default::default()
    };
    proto::Snapshot {
        revision: 1,
        trust_domain: "shop.local".into(),
        services: vec![service],
        clusters: vec![cluster],
        inbound: Some(inbound),
    }
}

fn worker(now: Instant, seed: u64) -> Worker {
    let config = proto::EngineConfig {
        service: "shop/front".into(),
        instance: "front-1".into(),
        outbound_listen: "127.0.0.1:0".into(),
        inbound_listen: "127.0.0.1:0".into(),
        application: "127.0.0.1:2".into(),
        inbound_plaintext: true,
        workers: 1,
        ..Default::default()
    };
    let settings = Settings::try_from(config).expect("a good config");
    let mut worker = Worker::new(Arc::new(settings), now, 1, seed);
    let snapshot = decode(&snapshot().encode_to_vec(), None).expect("a good snapshot");
    worker.apply(Arc::new(snapshot));
    worker
}

// === impl Mesh ===

impl Mesh {
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        let mut front = worker(now, 1);
        let caller = front.accept(Listener::Outbound);
        Self {
            now,
            front,
            back: worker(now, 2),
            caller,
            told: Vec::new(),
            caller_closed: false,
            across: HashMap::new(),
            home: HashMap::new(),
            stacks: HashMap::new(),
            gone: Vec::new(),
        }
    }

    /// The caller's bytes, and all that follows from them.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        if !self.caller_closed {
            self.front.received(self.caller, bytes);
        }
        for _ in 0..MOST_TURNS {
            if !self.turn() {
                return;
            }
        }
        panic!("the mesh never rests");
    }

    /// Every application's end, those that were closed first.
    pub(crate) fn into_stacks(mut self) -> Vec<Stack> {
        let mut open: Vec<_> = self.stacks.drain().collect();
        open.sort_by_key(|(key, _)| key.0);
        self.gone.extend(open.into_iter().map(|(_, stack)| stack));
        self.gone
    }

    /// Calls that either sidecar still holds.
    pub(crate) fn calls_in_flight(&self) -> (usize, usize) {
        (self.front.calls_in_flight(), self.back.calls_in_flight())
    }

    fn turn(&mut self) -> bool {
        self.front.turn(self.now);
        self.back.turn(self.now);
        let mut moved = self.settle_front();
        moved |= self.settle_back();
        for (key, stack) in &mut self.stacks {
            let bytes = stack.run();
            if !bytes.is_empty() {
                moved = true;
                self.back.received(*key, &bytes);
            }
        }
        moved || !self.front.is_settled() || !self.back.is_settled()
    }

    fn settle_front(&mut self) -> bool {
        self.front.settle();
        let mut moved = false;
        while let Some(key) = self.front.next_dirty() {
            let bytes = taken(&mut self.front, key);
            // To receive nothing is news to a worker all the same, and it would look again for ever.
            if bytes.is_empty() {
                continue;
            }
            moved = true;
            if key == self.caller {
                self.told.extend_from_slice(&bytes);
            } else if let Some(far) = self.across.get(&key) {
                self.back.received(*far, &bytes);
            }
        }
        while let Some(action) = self.front.next_action() {
            moved = true;
            match action {
                Action::Connect { key, identity, .. } => self.connect(key, identity.as_ref()),
                Action::Close { key } if key == self.caller => self.caller_closed = true,
                Action::Close { key } => self.close_across(key),
            }
        }
        moved
    }

    fn connect(&mut self, key: ConnectionKey, identity: Option<&SpiffeId>) {
        assert_eq!(identity.map(SpiffeId::as_str), Some(ECHO), "a call without its identity");
        let far = self.back.accept(Listener::Inbound);
        self.back.established(far, SpiffeId::parse(FRONT).ok());
        self.front.established(key, None);
        self.across.insert(key, far);
        self.home.insert(far, key);
    }

    fn close_across(&mut self, key: ConnectionKey) {
        if let Some(far) = self.across.remove(&key) {
            self.home.remove(&far);
            self.back.closed(far);
        }
    }

    fn settle_back(&mut self) -> bool {
        self.back.settle();
        let mut moved = false;
        while let Some(key) = self.back.next_dirty() {
            let bytes = taken(&mut self.back, key);
            if bytes.is_empty() {
                continue;
            }
            moved = true;
            if let Some(stack) = self.stacks.get_mut(&key) {
                stack.feed(&bytes);
            } else if let Some(near) = self.home.get(&key) {
                self.front.received(*near, &bytes);
            }
        }
        while let Some(action) = self.back.next_action() {
            moved = true;
            match action {
                Action::Connect { key, address, identity } => {
                    assert_eq!((address, identity), (SocketAddr::from(([127, 0, 0, 1], 2)), None));
                    self.stacks.insert(key, Stack::new());
                    self.back.established(key, None);
                }
                Action::Close { key } => self.close_home(key),
            }
        }
        moved
    }

    fn close_home(&mut self, key: ConnectionKey) {
        if let Some(mut stack) = self.stacks.remove(&key) {
            stack.close();
            self.gone.push(stack);
        } else if let Some(near) = self.home.remove(&key) {
            self.across.remove(&near);
            self.front.closed(near);
        }
    }
}

fn taken(worker: &mut Worker, key: ConnectionKey) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !worker.output(key).is_empty() {
        bytes.extend_from_slice(worker.output(key));
        let length = worker.output(key).len();
        worker.wrote(key, length);
    }
    worker.flushed(key);
    bytes
}
