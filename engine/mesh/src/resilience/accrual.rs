//! Failure accrual: the circuit breaker of one endpoint.
//!
//! `Closed => Open` after 7 consecutive failures; `Open => HalfOpen` when its time is up and one real call is taken as
//! the probe; `HalfOpen => Closed` by a success, `=> Open` for twice as long by a failure, `=> Open` with its time up by
//! a probe that says nothing (the next call probes). Closed and successful, a call reads and writes nothing shared.

use crate::random::{Random, SplitMix64};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// When an endpoint is taken for broken, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccrualPolicy {
    /// Failures in a row that open it; at least 1.
    pub consecutive_failures: u32,
    /// How long it is open the first time; doubles.
    pub open_base: Duration,
    /// At most this long (before jitter).
    pub open_max: Duration,
}

/// The state of an endpoint's breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointState {
    /// Takes calls.
    Closed,
    /// Takes none until its time is up.
    Open,
    /// One call is out to see whether it is well again.
    HalfOpen,
}

/// What a finished call changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transition {
    None,
    Opened,
    Closed,
}

/// The share of the time open that is random: 0.5 makes it 0.5 to 1.5 times as long.
const JITTER: f64 = 0.5;
/// A probe that has not ended by then (a long stream, a hung server) no longer stands in the way of the next.
const PROBE_PATIENCE_US: u64 = 15_000_000;
const PHASE_BITS: u32 = 2;
const LEVEL_BITS: u32 = 6;
const VALUE_SHIFT: u32 = PHASE_BITS + LEVEL_BITS;
const MAX_LEVEL: u64 = 32;

/// One endpoint's breaker. The word holds phase, level (times opened in a row) and, while closed, the failures in a row,
/// else the time open ends, in ticks. All in one, so that a success closes it and forgets its failures in one step.
#[derive(Debug, Default)]
pub(crate) struct Accrual {
    word: AtomicU64,
    /// Of those that opened it and came since: told, never decided by.
    failures: AtomicU32,
    ejections: AtomicU64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Word {
    state: EndpointState,
    level: u64,
    /// Failures in a row while closed; else the tick, in microseconds, at which its time is up.
    value: u64,
}

// === impl AccrualPolicy ===

impl Default for AccrualPolicy {
    fn default() -> Self {
        let (open_base, open_max) = (Duration::from_secs(1), Duration::from_secs(60));
        Self { consecutive_failures: 7, open_base, open_max }
    }
}

impl AccrualPolicy {
    /// Time open for the `level`-th time in a row (1 for the first), with its jitter.
    fn open_for(&self, level: u64, random: &mut impl Random) -> Duration {
        let doublings = level.saturating_sub(1).min(MAX_LEVEL - 1) as u32;
        let plain = self.open_base.saturating_mul(1 << doublings).min(self.open_max);
        plain.mul_f64(1.0 - JITTER + 2.0 * JITTER * random.unit())
    }
}

// === impl Accrual ===

impl Accrual {
    pub(crate) fn state(&self) -> EndpointState {
        Word::unpack(self.word.load(Relaxed)).state
    }

    pub(crate) fn consecutive_failures(&self) -> u32 {
        let word = Word::unpack(self.word.load(Relaxed));
        match word.state {
            EndpointState::Closed => u32::try_from(word.value).unwrap_or(u32::MAX),
            _ => self.failures.load(Relaxed),
        }
    }

    pub(crate) fn ejections(&self) -> u64 {
        self.ejections.load(Relaxed)
    }

    /// How long it still is open.
    pub(crate) fn open_remaining(&self, now_us: u64) -> Duration {
        let word = Word::unpack(self.word.load(Relaxed));
        match word.state {
            EndpointState::Open => Duration::from_micros(word.value.saturating_sub(now_us)),
            _ => Duration::ZERO,
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.word.load(Relaxed) & ((1 << PHASE_BITS) - 1) == EndpointState::Closed as u64
    }

    /// Whether its time is up, so that the next call probes it.
    pub(crate) fn is_due(&self, now_us: u64) -> bool {
        Word::unpack(self.word.load(Relaxed)).is_due(now_us)
    }

    /// `Open => HalfOpen`, or a new probe after 15 s without word of the last: exactly one caller gets true.
    pub(crate) fn try_probe(&self, now_us: u64) -> bool {
        let probe = |packed| {
            let word = Word::unpack(packed);
            let value = now_us + PROBE_PATIENCE_US;
            word.is_due(now_us).then(|| Word { state: EndpointState::HalfOpen, value, ..word }.pack())
        };
        self.word.fetch_update(Relaxed, Relaxed, probe).is_ok()
    }

    /// A success while open is of a call begun before: it says nothing about now.
    pub(crate) fn on_success(&self) -> Transition {
        let close = |packed| {
            let open = Word::unpack(packed).state == EndpointState::Open;
            (!open && packed != Word::WELL.pack()).then(|| Word::WELL.pack())
        };
        match self.word.fetch_update(Relaxed, Relaxed, close) {
            Ok(before) if Word::unpack(before).state == EndpointState::HalfOpen => Transition::Closed,
            _ => Transition::None,
        }
    }

    pub(crate) fn on_failure(&self, policy: &AccrualPolicy, now_us: u64, seed: u64) -> Transition {
        let most = u64::from(policy.consecutive_failures);
        let count = |packed| {
            let word = Word::unpack(packed);
            match word.state {
                EndpointState::Closed if word.value + 1 < most => Some(Word { value: word.value + 1, ..word }.pack()),
                EndpointState::Closed | EndpointState::HalfOpen => Some(word.opened(policy, now_us, seed).pack()),
                EndpointState::Open => None,
            }
        };
        let (Ok(before) | Err(before)) = self.word.fetch_update(Relaxed, Relaxed, count);
        let before = Word::unpack(before);
        match before.state {
            EndpointState::Closed if before.value + 1 < most => Transition::None,
            EndpointState::Closed => {
                self.failures.store(u32::try_from(before.value + 1).unwrap_or(u32::MAX), Relaxed);
                self.ejections.fetch_add(1, Relaxed);
                Transition::Opened
            }
            state => {
                self.failures.fetch_add(1, Relaxed);
                self.ejections.fetch_add(u64::from(state == EndpointState::HalfOpen), Relaxed);
                Transition::None
            }
        }
    }

    /// A probe ended without saying anything: the next call may probe at once.
    pub(crate) fn on_neutral(&self, now_us: u64) {
        let give_back = |packed| {
            let word = Word::unpack(packed);
            let probing = word.state == EndpointState::HalfOpen;
            probing.then(|| Word { state: EndpointState::Open, value: now_us, ..word }.pack())
        };
        let _ = self.word.fetch_update(Relaxed, Relaxed, give_back);
    }
}

// === impl Word ===

impl Word {
    /// Closed, without a failure.
    const WELL: Self = Self { state: EndpointState::Closed, level: 0, value: 0 };

    fn is_due(self, now_us: u64) -> bool {
        self.state != EndpointState::Closed && self.value <= now_us
    }

    fn opened(self, policy: &AccrualPolicy, now_us: u64, seed: u64) -> Self {
        let level = (self.level + 1).min(MAX_LEVEL);
        let open_for = policy.open_for(level, &mut SplitMix64::new(seed ^ now_us));
        Self { state: EndpointState::Open, level, value: now_us + open_for.as_micros() as u64 }
    }

    fn pack(self) -> u64 {
        self.state as u64 | self.level << PHASE_BITS | self.value << VALUE_SHIFT
    }

    fn unpack(packed: u64) -> Self {
        let state = match packed & ((1 << PHASE_BITS) - 1) {
            0 => EndpointState::Closed,
            1 => EndpointState::Open,
            _ => EndpointState::HalfOpen,
        };
        let level = packed >> PHASE_BITS & ((1 << LEVEL_BITS) - 1);
        Self { state, level, value: packed >> VALUE_SHIFT }
    }
}
