//! Failure accrual: whether one endpoint is left out.
//!
//! `Closed => Open` after 7 consecutive failures; `Open => HalfOpen` when its time is up and one real call is taken as
//! the probe; `HalfOpen => Closed` by the probe's first sign of life, `=> Open` for twice as long by its failure,
//! `=> Open` with its time up by a probe that says nothing (the next call probes). Only the probe decides: a call that
//! began before the ejection neither closes nor reopens. Closed and successful, a call writes nothing shared.

use crate::random::{Random, SplitMix64};
use crate::status::CodeSet;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// When an endpoint is ejected, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccrualPolicy {
    /// Failures in a row that open it; at least 1.
    pub consecutive_failures: u32,
    /// How long it is open the first time; doubles.
    pub open_base: Duration,
    /// At most this long (before jitter).
    pub open_max: Duration,
    /// At most this percentage of a cluster's endpoints is open, rounded down: 0 to 100.
    pub max_ejected_percent: u32,
    /// The application's statuses that count as failures of the endpoint besides UNAVAILABLE.
    pub codes: CodeSet,
}

/// The state of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointState {
    /// Takes calls.
    Closed,
    /// Takes none until its time is up.
    Open,
    /// One call is out to see whether it is well again.
    HalfOpen,
}

/// What a call was picked as: it says at the call's end whether the call may decide. Each pick gives one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(u64);

/// What a call changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transition {
    None,
    Opened,
    Closed,
    /// It would have opened, were it not that too many of its peers would then be out.
    Spared,
}

/// The share of the time open that is random: 0.5 makes it 0.5 to 1.5 times as long.
const JITTER: f64 = 0.5;
/// A probe that gives no sign of life by then (a hung server) no longer stands in the way of the next.
const PROBE_PATIENCE_US: u64 = 15_000_000;
const PHASE_BITS: u32 = 2;
const LEVEL_BITS: u32 = 6;
const EPOCH_BITS: u32 = 8;
const EPOCH_SHIFT: u32 = PHASE_BITS + LEVEL_BITS;
const VALUE_SHIFT: u32 = EPOCH_SHIFT + EPOCH_BITS;
const MAX_LEVEL: u64 = 32;

/// One endpoint's state. The word holds phase, level (times opened in a row), epoch (times opened, modulo 256) and, while
/// closed, the failures in a row, else the time open ends, in ticks. All in one, so that a success closes it and forgets
/// its failures in one step, and so that a ticket, which is the word at the time of its pick, tells before from after.
#[derive(Debug, Default)]
pub(crate) struct Accrual {
    word: AtomicU64,
    /// The tick at which it was opened; kept while probes fail.
    out_since: AtomicU64,
    /// Failures from the ones that opened it on. It is shown and never decided by.
    failures: AtomicU32,
    ejections: AtomicU64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Word {
    state: EndpointState,
    level: u64,
    epoch: u64,
    /// Failures in a row while closed; else the tick, in microseconds, at which its time is up.
    value: u64,
}

// === impl AccrualPolicy ===

impl Default for AccrualPolicy {
    fn default() -> Self {
        Self {
            consecutive_failures: 7,
            open_base: Duration::from_secs(1),
            open_max: Duration::from_secs(60),
            max_ejected_percent: 50,
            codes: CodeSet::NONE,
        }
    }
}

impl AccrualPolicy {
    /// How many of `endpoints` may be open at once: of one none.
    pub(crate) fn most_ejected(&self, endpoints: usize) -> usize {
        endpoints * self.max_ejected_percent as usize / 100
    }

    /// Time open for the `level`-th time in a row (1 for the first), with its jitter.
    fn open_for(&self, level: u64, random: &mut impl Random) -> Duration {
        let doublings = level.saturating_sub(1).min(MAX_LEVEL - 1) as u32;
        let plain = self.open_base.saturating_mul(1 << doublings).min(self.open_max);
        plain.mul_f64(1.0 - JITTER + 2.0 * JITTER * random.unit())
    }
}

// === impl Ticket ===

impl Ticket {
    /// Whether the call is the probe of an endpoint that is open.
    #[must_use]
    pub fn is_probe(self) -> bool {
        phase(self.0) == EndpointState::HalfOpen
    }

    fn is_of(self, word: Word) -> bool {
        Word::unpack(self.0).epoch == word.epoch
    }
}

// === impl Accrual ===

impl Accrual {
    pub(crate) fn state(&self) -> EndpointState {
        phase(self.word.load(Relaxed))
    }

    /// What a call that is picked now gets, unless it is the probe.
    pub(crate) fn ticket(&self) -> Ticket {
        Ticket(self.word.load(Relaxed))
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
        self.state() == EndpointState::Closed
    }

    /// The tick since which it is out; `None` where it takes calls or its probe is on the way.
    pub(crate) fn out_since(&self) -> Option<u64> {
        (self.state() == EndpointState::Open).then(|| self.out_since.load(Relaxed))
    }

    /// Whether its time is up, so that the next call probes it.
    pub(crate) fn is_due(&self, now_us: u64) -> bool {
        Word::unpack(self.word.load(Relaxed)).is_due(now_us)
    }

    /// `Open => HalfOpen`, or a new probe after 15 s without word of the last: exactly one caller gets the ticket.
    pub(crate) fn try_probe(&self, now_us: u64) -> Option<Ticket> {
        let before = self.word.load(Relaxed);
        let word = Word::unpack(before);
        if !word.is_due(now_us) {
            return None;
        }
        let probe = Word { state: EndpointState::HalfOpen, value: now_us + PROBE_PATIENCE_US, ..word }.pack();
        let taken = self.word.compare_exchange(before, probe, Relaxed, Relaxed);
        taken.is_ok().then_some(Ticket(probe))
    }

    /// The first sign of life: response headers that are not the end, or a message. A probe is judged by it.
    pub(crate) fn on_answer(&self, ticket: Ticket) -> Transition {
        if ticket.is_probe() { self.closed_by(ticket) } else { Transition::None }
    }

    pub(crate) fn on_success(&self, ticket: Ticket) -> Transition {
        if ticket.is_probe() {
            return self.closed_by(ticket);
        }
        let forget = |packed| {
            let word = Word::unpack(packed);
            let failed = word.state == EndpointState::Closed && (word.value, word.level) != (0, 0);
            (failed && ticket.is_of(word)).then(|| word.well().pack())
        };
        let _ = self.word.fetch_update(Relaxed, Relaxed, forget);
        Transition::None
    }

    /// `may_open`: whether policy lets any endpoint of the cluster be out.
    pub(crate) fn on_failure(
        &self,
        ticket: Ticket,
        policy: &AccrualPolicy,
        may_open: bool,
        now_us: u64,
        seed: u64,
    ) -> Transition {
        let most = u64::from(policy.consecutive_failures);
        let count = |packed| {
            let word = Word::unpack(packed);
            match word.state {
                EndpointState::Closed if !ticket.is_of(word) => None,
                EndpointState::Closed if may_open && word.value + 1 >= most => {
                    Some(word.opened(policy, now_us, seed).pack())
                }
                EndpointState::Closed => Some(Word { value: word.value + 1, ..word }.pack()),
                EndpointState::HalfOpen if packed == ticket.0 => Some(word.opened(policy, now_us, seed).pack()),
                EndpointState::Open | EndpointState::HalfOpen => None,
            }
        };
        match self.word.fetch_update(Relaxed, Relaxed, count) {
            Ok(before) => self.after_failure(Word::unpack(before), most, may_open, now_us),
            Err(_) => {
                self.failures.fetch_add(1, Relaxed);
                Transition::None
            }
        }
    }

    /// A probe ended without saying anything: the next call may probe at once.
    pub(crate) fn on_neutral(&self, ticket: Ticket, now_us: u64) {
        if ticket.is_probe() {
            let due = Word { state: EndpointState::Open, value: now_us, ..Word::unpack(ticket.0) };
            let _ = self.word.compare_exchange(ticket.0, due.pack(), Relaxed, Relaxed);
        }
    }

    /// `Open => Closed` because too many of its peers are out. Failing goes on where it was: the next time is longer.
    pub(crate) fn readmit(&self) -> Transition {
        let back = |packed| {
            let word = Word::unpack(packed);
            let open = word.state == EndpointState::Open;
            open.then(|| Word { state: EndpointState::Closed, value: 0, ..word }.pack())
        };
        let back = self.word.fetch_update(Relaxed, Relaxed, back);
        if back.is_ok() { Transition::Closed } else { Transition::None }
    }

    /// Where the word is the probe's still; else another probe has taken its place, or it was judged before.
    fn closed_by(&self, probe: Ticket) -> Transition {
        let well = Word::unpack(probe.0).well().pack();
        match self.word.compare_exchange(probe.0, well, Relaxed, Relaxed) {
            Ok(_) => Transition::Closed,
            Err(_) => Transition::None,
        }
    }

    fn after_failure(&self, before: Word, most: u64, may_open: bool, now_us: u64) -> Transition {
        let failures = before.value + 1;
        match before.state {
            EndpointState::Closed if may_open && failures >= most => {
                self.failures.store(u32::try_from(failures).unwrap_or(u32::MAX), Relaxed);
                self.out_since.store(now_us, Relaxed);
                self.ejections.fetch_add(1, Relaxed);
                Transition::Opened
            }
            EndpointState::Closed if failures.is_multiple_of(most) => Transition::Spared,
            EndpointState::Closed => Transition::None,
            EndpointState::Open | EndpointState::HalfOpen => {
                self.failures.fetch_add(1, Relaxed);
                self.ejections.fetch_add(1, Relaxed);
                Transition::None
            }
        }
    }
}

// === impl Word ===

impl Word {
    /// Closed, without a failure.
    fn well(self) -> Self {
        Self { state: EndpointState::Closed, level: 0, value: 0, ..self }
    }

    fn is_due(self, now_us: u64) -> bool {
        self.state != EndpointState::Closed && self.value <= now_us
    }

    fn opened(self, policy: &AccrualPolicy, now_us: u64, seed: u64) -> Self {
        let level = (self.level + 1).min(MAX_LEVEL);
        let open_for = policy.open_for(level, &mut SplitMix64::new(seed ^ now_us));
        let epoch = (self.epoch + 1) & mask(EPOCH_BITS);
        Self { state: EndpointState::Open, level, epoch, value: now_us + open_for.as_micros() as u64 }
    }

    fn pack(self) -> u64 {
        // 48 bits of microseconds are nine years.
        let value = self.value.min(mask(u64::BITS - VALUE_SHIFT));
        self.state as u64 | self.level << PHASE_BITS | self.epoch << EPOCH_SHIFT | value << VALUE_SHIFT
    }

    fn unpack(packed: u64) -> Self {
        let level = packed >> PHASE_BITS & mask(LEVEL_BITS);
        let epoch = packed >> EPOCH_SHIFT & mask(EPOCH_BITS);
        Self { state: phase(packed), level, epoch, value: packed >> VALUE_SHIFT }
    }
}

fn phase(packed: u64) -> EndpointState {
    match packed & mask(PHASE_BITS) {
        0 => EndpointState::Closed,
        1 => EndpointState::Open,
        _ => EndpointState::HalfOpen,
    }
}

const fn mask(bits: u32) -> u64 {
    (1 << bits) - 1
}
