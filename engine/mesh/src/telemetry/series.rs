//! Calls by series: a bounded table a worker, found by borrowed keys, without allocation once a series is known.

use super::histogram::Histogram;
use crate::hash::FoldHasher;
use crate::proto::Direction;
use crate::reason::Reason;
use crate::status::Code;
use std::hash::Hasher;
use std::time::{Duration, Instant};

/// Series a table holds before new ones are counted as `other`.
pub const MAX_SERIES: usize = 2000;
/// A series without a call for this long is forgotten.
pub const IDLE_EXPIRY: Duration = Duration::from_secs(600);
/// The text of peer and method in an overflow series.
pub const OVERFLOW: &str = "other";

/// What tells one series from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeriesKey<'a> {
    /// Outbound or inbound.
    pub direction: Direction,
    /// Outbound: the target "namespace/name". Inbound: the caller's SPIFFE id.
    pub peer: &'a str,
    /// Outbound: the cluster of the last attempt, "" if none.
    pub cluster: &'a str,
    /// "package.Service/Method", or "other".
    pub method: &'a str,
    /// The final status.
    pub status: Code,
    /// Set where the proxy made the status.
    pub reason: Option<Reason>,
    /// Whether the peer proved an identity.
    pub mtls: bool,
}

/// One finished call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallSample {
    /// How long it took, in microseconds.
    pub duration_us: u64,
    /// Bytes of the request's messages.
    pub request_bytes: u64,
    /// Bytes of the response's messages.
    pub response_bytes: u64,
    /// Attempts beyond the first.
    pub retries: u32,
    /// Nothing bounded it in time: neither its caller nor a policy set a deadline.
    pub without_deadline: bool,
}

/// The sums of a series.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sums {
    pub(crate) count: u64,
    pub(crate) request_bytes: u64,
    pub(crate) response_bytes: u64,
    pub(crate) retries: u64,
    pub(crate) without_deadline: u64,
    pub(crate) duration: Histogram,
}

/// A key that owns its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnedKey {
    direction: Direction,
    peer: Box<str>,
    cluster: Box<str>,
    method: Box<str>,
    status: Code,
    reason: Option<Reason>,
    mtls: bool,
}

/// A table of series; those beyond the bound fall together by direction and status.
#[derive(Debug)]
pub struct SeriesTable {
    /// Positions in `series`, open addressing with linear probing; a power of two, at most half full.
    slots: Vec<u32>,
    series: Vec<Entry>,
    bound: usize,
    dropped: u64,
    /// The start of series that are new from here on.
    start_unix_nano: u64,
}

#[derive(Debug)]
pub(crate) struct Entry {
    hash: u64,
    pub(crate) key: OwnedKey,
    pub(crate) sums: Sums,
    /// Since when its sums count, nanoseconds since the epoch: one that was forgotten begins at 0 again, and later.
    pub(crate) start_unix_nano: u64,
    /// The drain that first found no new call in it.
    idle_since: Option<Instant>,
}

const EMPTY: u32 = u32::MAX;
const FIRST_SLOTS: usize = 64;

// === impl SeriesKey ===

impl SeriesKey<'_> {
    fn hash(&self) -> u64 {
        let mut hasher = FoldHasher::default();
        hasher.write(self.peer.as_bytes());
        hasher.write(self.cluster.as_bytes());
        hasher.write(self.method.as_bytes());
        let reason = self.reason.map_or(0, |reason| reason as u64 + 1);
        let small = self.direction as u64 | u64::from(self.status.number()) << 8 | reason << 16;
        hasher.write_u64(small | u64::from(self.mtls) << 24);
        hasher.finish()
    }

    fn overflow(&self) -> SeriesKey<'static> {
        SeriesKey {
            direction: self.direction,
            peer: OVERFLOW,
            cluster: "",
            method: OVERFLOW,
            status: self.status,
            reason: None,
            mtls: false,
        }
    }
}

// === impl OwnedKey ===

impl From<&SeriesKey<'_>> for OwnedKey {
    fn from(key: &SeriesKey<'_>) -> Self {
        let SeriesKey { direction, peer, cluster, method, status, reason, mtls } = *key;
        Self { direction, peer: peer.into(), cluster: cluster.into(), method: method.into(), status, reason, mtls }
    }
}

impl OwnedKey {
    pub(crate) fn borrow(&self) -> SeriesKey<'_> {
        SeriesKey {
            direction: self.direction,
            peer: &self.peer,
            cluster: &self.cluster,
            method: &self.method,
            status: self.status,
            reason: self.reason,
            mtls: self.mtls,
        }
    }
}

// === impl Sums ===

impl Sums {
    fn add(&mut self, sample: &CallSample) {
        self.count += 1;
        self.request_bytes += sample.request_bytes;
        self.response_bytes += sample.response_bytes;
        self.retries += u64::from(sample.retries);
        self.without_deadline += u64::from(sample.without_deadline);
        self.duration.record(sample.duration_us);
    }

    pub(crate) fn absorb(&mut self, other: &mut Self) {
        self.count += std::mem::take(&mut other.count);
        self.request_bytes += std::mem::take(&mut other.request_bytes);
        self.response_bytes += std::mem::take(&mut other.response_bytes);
        self.retries += std::mem::take(&mut other.retries);
        self.without_deadline += std::mem::take(&mut other.without_deadline);
        self.duration.absorb(&mut other.duration);
    }
}

// === impl SeriesTable ===

impl Default for SeriesTable {
    fn default() -> Self {
        Self::new()
    }
}

impl SeriesTable {
    /// An empty table for 2,000 series.
    #[must_use]
    pub fn new() -> Self {
        Self::with_bound(MAX_SERIES)
    }

    /// An empty table for `bound` series.
    #[must_use]
    pub fn with_bound(bound: usize) -> Self {
        Self { slots: vec![EMPTY; FIRST_SLOTS], series: Vec::new(), bound, dropped: 0, start_unix_nano: 0 }
    }

    /// Counts a finished call.
    pub fn record(&mut self, key: &SeriesKey<'_>, sample: &CallSample) {
        let at = self.position(key);
        self.series[at].sums.add(sample);
    }

    /// How many series there are, the overflow's included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// How often a new series found no place and its call was counted as `other`.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Series that are new from here on count since then.
    pub(crate) fn begin_at(&mut self, unix_nano: u64) {
        self.start_unix_nano = unix_nano;
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.series.iter()
    }

    /// Moves all that was counted since the last time over to `into`, and forgets what has been idle for 10 minutes.
    pub(crate) fn drain_into(&mut self, into: &mut Self, now: Instant) {
        for entry in &mut self.series {
            if entry.sums.count > 0 {
                into.take_in(entry);
                entry.idle_since = None;
            }
        }
        into.dropped += std::mem::take(&mut self.dropped);
        self.expire(now);
    }

    /// Forgets the series in which nothing was counted for 10 minutes of drains.
    pub(crate) fn expire(&mut self, now: Instant) {
        let before = self.series.len();
        self.series.retain_mut(|entry| {
            let since = *entry.idle_since.get_or_insert(now);
            now.saturating_duration_since(since) < IDLE_EXPIRY
        });
        if self.series.len() != before {
            self.index(self.slots.len());
        }
    }

    fn take_in(&mut self, from: &mut Entry) {
        let at = self.position(&from.key.borrow());
        self.series[at].idle_since = None;
        self.series[at].sums.absorb(&mut from.sums);
    }

    /// Where `key` is counted: its own series, or the overflow's when there is no place for one more.
    fn position(&mut self, key: &SeriesKey<'_>) -> usize {
        self.find(key).unwrap_or_else(|slot| self.insert(key, slot))
    }

    /// Where the key's series is; else the slot where it belongs.
    fn find(&self, key: &SeriesKey<'_>) -> Result<usize, (u64, usize)> {
        let hash = key.hash();
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            match self.slots[slot] {
                EMPTY => return Err((hash, slot)),
                at if self.series[at as usize].is(hash, key) => return Ok(at as usize),
                _ => slot = (slot + 1) & mask,
            }
        }
    }

    fn insert(&mut self, key: &SeriesKey<'_>, (hash, slot): (u64, usize)) -> usize {
        let overflow = key.overflow();
        // The overflow's own few series have a place beyond the bound.
        if self.series.len() >= self.bound && *key != overflow {
            self.dropped += 1;
            return self.find(&overflow).unwrap_or_else(|slot| self.insert(&overflow, slot));
        }
        let at = self.series.len();
        let start_unix_nano = self.start_unix_nano;
        self.series.push(Entry { hash, key: key.into(), sums: Sums::default(), start_unix_nano, idle_since: None });
        self.slots[slot] = at as u32;
        if self.series.len() * 2 > self.slots.len() {
            self.index(self.slots.len() * 2);
        }
        at
    }

    fn index(&mut self, slots: usize) {
        self.slots.clear();
        self.slots.resize(slots, EMPTY);
        for (at, entry) in self.series.iter().enumerate() {
            let mut slot = entry.hash as usize & (slots - 1);
            while self.slots[slot] != EMPTY {
                slot = (slot + 1) & (slots - 1);
            }
            self.slots[slot] = at as u32;
        }
    }
}

// === impl Entry ===

impl Entry {
    fn is(&self, hash: u64, key: &SeriesKey<'_>) -> bool {
        self.hash == hash && self.key.borrow() == *key
    }
}
