//! Upstream connections of one worker: few and well filled, a second one only when the first is at 80 % of its streams.

mod own;

use crate::worker::resets::Resets;
use own::OwnPools;
use slab::Slab;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tulle_mesh::balance::{EndpointCell, EndpointKey};
use tulle_mesh::spiffe::SpiffeId;

/// Connections to one endpoint, at most.
const MAX_CONNECTIONS: usize = 8;
/// How long a call waits for a connection or a stream. How many may is the service's own limit (decision 006).
pub(crate) const PENDING_TIMEOUT: Duration = Duration::from_secs(3);
/// After a connection beyond the first failed.
const GROW_AGAIN: Duration = Duration::from_secs(1);
/// Streams in use, in percent, from which on another connection is made.
const FULL_PERCENT: usize = 80;

/// Where an attempt goes.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// The application behind this sidecar, plaintext on loopback.
    Application(SocketAddr),
    /// An endpoint of a cluster.
    Endpoint(Arc<EndpointCell>),
}

/// All pools of a worker.
#[derive(Debug, Default)]
pub(crate) struct Pools {
    pools: Slab<Pool>,
    by_key: HashMap<Option<EndpointKey>, usize, BuildHasherDefault<KeyHasher>>,
    own: OwnPools,
    /// The endpoints of the snapshot in force, each with its connect timeout.
    in_force: HashMap<EndpointKey, Duration>,
}

/// The connections to one target.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) target: Target,
    pub(crate) connect_timeout: Duration,
    /// In the order in which they are filled.
    pub(crate) connections: Vec<u32>,
    /// Calls that wait, first come first served.
    pub(crate) pending: VecDeque<u32>,
    /// A connection beyond the first failed: none is tried before then, or a full pool of a server that takes no more
    /// would connect without end.
    pub(crate) grow_after: Option<Instant>,
    /// Its endpoint has left the snapshot: what is open finishes its calls and goes.
    pub(crate) retired: bool,
    /// Connections that name this pool, those counted that take no call any more.
    pub(crate) links: usize,
    /// It is one caller's alone.
    pub(crate) is_own: bool,
    /// Young streams that its callers gave up.
    pub(crate) resets: Resets,
    /// Its callers gave up many.
    pub(crate) alarmed_until: Option<Instant>,
}

/// What a connection has left for one more call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// It is being made.
    Opening,
    /// Streams to spare.
    Ample,
    /// A stream, though another connection should be made.
    Scarce,
    /// No stream now.
    Full,
    /// It takes no call any more.
    Closed,
}

/// What a pool offers to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// A connection with a free stream.
    pub(crate) connection: Option<u32>,
    /// One more connection should be made.
    pub(crate) grow: bool,
}

/// An endpoint's key is a random-looking or counted number already: one multiplication spreads it.
#[derive(Debug, Default)]
pub(crate) struct KeyHasher(u64);

// === impl Target ===

impl Target {
    pub(crate) fn address(&self) -> SocketAddr {
        match self {
            Self::Application(address) => *address,
            Self::Endpoint(cell) => cell.address,
        }
    }

    pub(crate) fn identity(&self) -> Option<&SpiffeId> {
        match self {
            Self::Application(_) => None,
            Self::Endpoint(cell) => cell.identity.as_ref(),
        }
    }

    pub(crate) fn cell(&self) -> Option<&Arc<EndpointCell>> {
        match self {
            Self::Application(_) => None,
            Self::Endpoint(cell) => Some(cell),
        }
    }

    pub(crate) fn key(&self) -> Option<EndpointKey> {
        self.cell().map(|cell| cell.key())
    }
}

// === impl Pools ===

impl Pools {
    /// The target's pool, made where there is none.
    pub(crate) fn of(&mut self, target: &Target, connect_timeout: Duration, now: Instant) -> usize {
        let key = target.key();
        if let Some(&index) = self.by_key.get(&key) {
            // Of the one application: new connections go to the address where it was found last.
            if let (Target::Application(_), Some(pool)) = (target, self.pools.get_mut(index)) {
                pool.target = target.clone();
            }
            return index;
        }
        let mut pool = Pool::new(target.clone(), connect_timeout, now);
        // A call that is pinned to an old snapshot tries once more where nothing new is to go.
        pool.retired = key.is_some_and(|key| !self.in_force.contains_key(&key));
        let index = self.pools.insert(pool);
        self.by_key.insert(key, index);
        index
    }

    pub(crate) fn get(&self, index: usize) -> Option<&Pool> {
        self.pools.get(index)
    }

    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut Pool> {
        self.pools.get_mut(index)
    }

    /// Retires the pools of endpoints that are not `in_force` any more and takes back those that are again; drops what is
    /// empty and retired. What is connected from here on has the time that is in force now. A caller's own pool goes with
    /// what makes it separate, at the latest.
    pub(crate) fn renew(&mut self, in_force: HashMap<EndpointKey, Duration>) {
        for (_, pool) in &mut self.pools {
            let Some(key) = pool.target.key() else { continue };
            let connect_timeout = in_force.get(&key).copied();
            // One that its caller has left stays retired.
            if !pool.is_own {
                pool.retired = connect_timeout.is_none();
            }
            pool.connect_timeout = connect_timeout.unwrap_or(pool.connect_timeout);
        }
        self.in_force = in_force;
        let by_key = &mut self.by_key;
        self.pools.retain(|_, pool| {
            let useful = !pool.retired || pool.is_own || pool.is_in_use();
            if !useful {
                by_key.remove(&pool.target.key());
            }
            useful
        });
    }

    /// Pools that calls wait for.
    pub(crate) fn with_pending(&self) -> impl Iterator<Item = usize> + '_ {
        self.pools.iter().filter(|(_, pool)| !pool.pending.is_empty()).map(|(index, _)| index)
    }

    /// Connections of retired pools.
    pub(crate) fn retired_connections(&self) -> Vec<u32> {
        self.pools.iter().filter(|(_, pool)| pool.retired).flat_map(|(_, pool)| pool.connections.clone()).collect()
    }
}

// === impl Room ===

impl Room {
    /// Of an open connection: its streams in use, those its peer allows at once, those that could be opened now.
    pub(crate) fn of_open(in_use: usize, allowed: u32, free: usize) -> Self {
        if free == 0 {
            return Self::Full;
        }
        let is_scarce = in_use * 100 >= allowed as usize * FULL_PERCENT;
        if is_scarce { Self::Scarce } else { Self::Ample }
    }

    pub(crate) fn is_open(self) -> bool {
        matches!(self, Self::Ample | Self::Scarce | Self::Full)
    }
}

// === impl Pool ===

impl Pool {
    fn new(target: Target, connect_timeout: Duration, now: Instant) -> Self {
        Self {
            target,
            connect_timeout,
            connections: Vec::new(),
            pending: VecDeque::new(),
            grow_after: None,
            retired: false,
            links: 0,
            is_own: false,
            resets: Resets::new(now),
            alarmed_until: None,
        }
    }

    /// Whether a connection or a call still names it.
    fn is_in_use(&self) -> bool {
        self.links > 0 || !self.pending.is_empty()
    }

    /// Whether it has a connection, or one may be tried.
    fn may_connect(&self, now: Instant) -> bool {
        !self.connections.is_empty() || self.grow_after.is_none_or(|at| now >= at)
    }

    #[inline]
    pub(crate) fn is_alarmed(&self, now: Instant) -> bool {
        self.alarmed_until.is_some_and(|until| now < until)
    }

    /// The first connection that is not full; else one with any stream left, while another is made.
    pub(crate) fn choose(&self, rooms: impl Iterator<Item = (u32, Room)>, now: Instant) -> Choice {
        let (mut fallback, mut opening) = (None, false);
        for (key, room) in rooms {
            match room {
                Room::Ample => return Choice { connection: Some(key), grow: false },
                Room::Scarce => fallback = fallback.or(Some(key)),
                Room::Opening => opening = true,
                Room::Full | Room::Closed => {}
            }
        }
        let patient = !self.connections.is_empty() && self.grow_after.is_some_and(|at| now < at);
        Choice { connection: fallback, grow: !opening && !patient && self.connections.len() < MAX_CONNECTIONS }
    }

    /// A connection could not be made.
    pub(crate) fn connect_failed(&mut self, now: Instant) {
        self.grow_after = Some(now + GROW_AGAIN);
    }

    /// Whether the connection is one beyond the first, which a burst needed.
    pub(crate) fn is_spare(&self, key: u32) -> bool {
        self.connections.first().is_some_and(|first| *first != key)
    }

    pub(crate) fn forget_connection(&mut self, key: u32) {
        self.connections.retain(|other| *other != key);
    }

    /// Whether the call was waiting. The first is let go at once: a queue that is served is never walked.
    pub(crate) fn forget_call(&mut self, call: u32) -> bool {
        if self.pending.front() == Some(&call) {
            self.pending.pop_front();
            return true;
        }
        let before = self.pending.len();
        self.pending.retain(|other| *other != call);
        self.pending.len() != before
    }
}

// === impl KeyHasher ===

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn write_isize(&mut self, word: isize) {
        self.write_u64(word as u64);
    }
}
