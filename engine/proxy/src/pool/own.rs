//! Pools that one caller has to itself, so that what a server does about its resets reaches it alone.

use super::{KeyHasher, Pool, Pools, Target};
use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::time::{Duration, Instant};
use tulle_mesh::balance::EndpointKey;

/// Such pools of a worker, at most: callers beyond share, so that each connection that comes in does not cost another for
/// ever.
const MOST: usize = 256;

/// The pools of single callers.
#[derive(Debug, Default)]
pub(super) struct OwnPools {
    /// By the caller's serial number and the target.
    by_caller: HashMap<(u64, Option<EndpointKey>), usize, BuildHasherDefault<KeyHasher>>,
    /// Those whose caller went, or shares again.
    leaving: Vec<usize>,
}

// === impl Pools ===

impl Pools {
    /// The target's pool for one caller alone, made where there is none. `None` while it has to share: too many callers
    /// have such pools, or no connection could be made a moment ago.
    pub(crate) fn of_its_own(
        &mut self,
        caller: u64,
        target: &Target,
        connect_timeout: Duration,
        now: Instant,
    ) -> Option<usize> {
        let key = (caller, target.key());
        if let Some(&index) = self.own.by_caller.get(&key) {
            let pool = self.pools.get_mut(index)?;
            pool.target = target.clone();
            return pool.may_connect(now).then_some(index);
        }
        if self.own.by_caller.len() >= MOST {
            return None;
        }
        let index = self.pools.insert(Pool { is_own: true, ..Pool::new(target.clone(), connect_timeout, now) });
        self.own.by_caller.insert(key, index);
        Some(index)
    }

    /// The caller has gone, or shares again: what is open for it finishes its calls and goes. Gives those connections.
    pub(crate) fn disown(&mut self, caller: u64) -> Vec<u32> {
        let left = self.own.by_caller.extract_if(|(owner, _), _| *owner == caller);
        let left: Vec<usize> = left.map(|(_, index)| index).collect();
        let mut connections = Vec::new();
        for index in &left {
            let Some(pool) = self.pools.get_mut(*index) else { continue };
            pool.retired = true;
            connections.extend_from_slice(&pool.connections);
        }
        self.own.leaving.extend(left);
        connections
    }

    /// Drops the pools of callers that have none any more, once nothing is in them.
    #[inline]
    pub(crate) fn drop_left(&mut self) {
        if !self.own.leaving.is_empty() {
            self.drop_unused();
        }
    }

    fn drop_unused(&mut self) {
        let pools = &mut self.pools;
        self.own.leaving.retain(|index| {
            let in_use = pools.get(*index).is_some_and(Pool::is_in_use);
            if !in_use {
                pools.try_remove(*index);
            }
            in_use
        });
    }
}
