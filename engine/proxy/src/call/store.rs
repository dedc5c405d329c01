//! The calls of a worker, by the number that their streams carry; places and buffers are used again.

use super::Call;
use slab::Slab;
use tulle_http2::Fields;

/// Buffers that wait for the next call, at most.
const SPARES: usize = 256;
/// A buffer that has grown beyond this is not kept.
const SPARE_BYTES: usize = 4096;

/// All calls in flight.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    calls: Slab<Call>,
    spares: Vec<Buffers>,
}

/// What a call needs from the heap.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    pub(crate) head: Fields,
    pub(crate) held: Fields,
    pub(crate) replay: Vec<u8>,
    pub(crate) tried: Vec<tulle_mesh::balance::EndpointKey>,
}

// === impl Calls ===

impl Calls {
    pub(crate) fn buffers(&mut self) -> Buffers {
        self.spares.pop().unwrap_or_default()
    }

    pub(crate) fn insert(&mut self, call: Call) -> u32 {
        self.calls.insert(call) as u32
    }

    pub(crate) fn get(&self, key: u32) -> Option<&Call> {
        self.calls.get(key as usize)
    }

    pub(crate) fn get_mut(&mut self, key: u32) -> Option<&mut Call> {
        self.calls.get_mut(key as usize)
    }

    pub(crate) fn len(&self) -> usize {
        self.calls.len()
    }

    pub(crate) fn remove(&mut self, key: u32) {
        let Some(call) = self.calls.try_remove(key as usize) else { return };
        let Call { mut head, mut held, mut replay, mut tried, .. } = call;
        let small = replay.capacity() <= SPARE_BYTES && head.list_bytes() <= SPARE_BYTES;
        if self.spares.len() < SPARES && small && held.list_bytes() <= SPARE_BYTES {
            head.clear();
            held.clear();
            replay.clear();
            tried.clear();
            self.spares.push(Buffers { head, held, replay, tried });
        }
    }

    /// The calls for which `wanted` holds. A walk over all: for rare events.
    pub(crate) fn keys(&self, wanted: impl Fn(&Call) -> bool) -> Vec<u32> {
        self.calls.iter().filter(|(_, call)| wanted(call)).map(|(key, _)| key as u32).collect()
    }
}
