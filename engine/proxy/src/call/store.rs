//! The calls of a worker, by the number that their streams carry; places and buffers are used again.

use super::Call;
use slab::Slab;
use tulle_http2::Fields;

/// Buffers that wait for the next call, at most.
const SPARES: usize = 256;
/// A field list that has grown beyond this is not kept.
const SPARE_BYTES: usize = 4096;
/// Bytes of buffers for requests that wait for the next call, at most.
const SPARE_REPLAY: usize = 4 << 20;

/// All calls in flight.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    calls: Slab<Call>,
    /// Bytes of requests that are kept for another attempt.
    kept: usize,
    spares: Vec<Buffers>,
    replays: Replays,
}

/// Buffers for requests that are kept while they may be needed again. A call has one only as long.
#[derive(Debug, Default)]
struct Replays {
    buffers: Vec<Vec<u8>>,
    bytes: usize,
}

/// What a call needs from the heap.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    pub(crate) head: Fields,
    pub(crate) held: Fields,
    pub(crate) tried: Vec<tulle_mesh::balance::EndpointKey>,
}

// === impl Buffers ===

impl Buffers {
    fn memory(&self) -> usize {
        let tried = self.tried.capacity() * size_of::<tulle_mesh::balance::EndpointKey>();
        self.head.memory() + self.held.memory() + tried
    }
}

// === impl Replays ===

impl Replays {
    fn take(&mut self) -> Vec<u8> {
        let buffer = self.buffers.pop().unwrap_or_default();
        self.bytes -= buffer.capacity();
        buffer
    }

    fn put(&mut self, mut buffer: Vec<u8>) {
        let fits = self.bytes + buffer.capacity() <= SPARE_REPLAY;
        if buffer.capacity() > 0 && fits {
            buffer.clear();
            self.bytes += buffer.capacity();
            self.buffers.push(buffer);
        }
    }
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
        let Some(call) = self.calls.get_mut(key as usize) else { return };
        // Taken out where it stands: a call that is removed first is moved as a whole, twice.
        let (mut head, mut held) = (std::mem::take(&mut call.head), std::mem::take(&mut call.held));
        let (mut tried, replay) = (std::mem::take(&mut call.tried), std::mem::take(&mut call.replay));
        drop(self.calls.remove(key as usize));
        self.kept -= replay.len();
        self.replays.put(replay);
        if self.spares.len() < SPARES && head.list_bytes() <= SPARE_BYTES && held.list_bytes() <= SPARE_BYTES {
            head.clear();
            held.clear();
            tried.clear();
            self.spares.push(Buffers { head, held, tried });
        }
    }

    /// Keeps more of a call's request.
    pub(crate) fn keep_request(&mut self, key: u32, payload: &[u8]) {
        let Some(call) = self.calls.get_mut(key as usize) else { return };
        if call.replay.capacity() == 0 {
            call.replay = self.replays.take();
        }
        call.replay.extend_from_slice(payload);
        self.kept += payload.len();
    }

    /// Forgets what is kept of a call's request.
    pub(crate) fn forget_request(&mut self, key: u32) {
        let Some(call) = self.calls.get_mut(key as usize) else { return };
        let replay = std::mem::take(&mut call.replay);
        self.kept -= replay.len();
        self.replays.put(replay);
    }

    /// Bytes of requests that are kept for another attempt, of all calls.
    pub(crate) fn kept_bytes(&self) -> usize {
        self.kept
    }

    /// Gives back the buffers that wait, and the places where no call is in flight; says how many bytes that were.
    pub(crate) fn trim(&mut self) -> usize {
        let spares = std::mem::take(&mut self.spares);
        let buffers = spares.iter().map(Buffers::memory).sum::<usize>() + std::mem::take(&mut self.replays).bytes;
        if self.calls.is_empty() {
            let places = std::mem::take(&mut self.calls).capacity() * size_of::<Call>();
            return buffers + places;
        }
        buffers
    }

    /// The calls for which `wanted` holds. A walk over all: for rare events.
    pub(crate) fn keys(&self, wanted: impl Fn(&Call) -> bool) -> Vec<u32> {
        self.calls.iter().filter(|(_, call)| wanted(call)).map(|(key, _)| key as u32).collect()
    }
}
