//! Deadlines: the caller's `grpc-timeout`, the route's cap, and what is left of both.

use super::policy::RoutePolicy;
use crate::outcome::Outcome;
use std::time::{Duration, Instant};

/// The most digits that `grpc-timeout` may have (grpc/doc/PROTOCOL-HTTP2.md).
const MAX_DIGITS: usize = 8;
const MAX_VALUE: u128 = 99_999_999;
/// The units that are written, finest first, in nanoseconds.
const UNITS: [(u8, u128); 6] = [
    (b'n', 1),
    (b'u', 1_000),
    (b'm', 1_000_000),
    (b'S', 1_000_000_000),
    (b'M', 60_000_000_000),
    (b'H', 3_600_000_000_000),
];

/// When a call must have ended, if ever, and who says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deadline {
    at: Option<Instant>,
    /// It is the route's cap, not the caller's deadline.
    capped: bool,
}

/// A `grpc-timeout` as it is written: digits and a unit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TimeoutText {
    bytes: [u8; MAX_DIGITS + 1],
    start: usize,
}

/// Reads a `grpc-timeout`: 1 to 8 digits and one of `H M S m u n`; `None` for anything else.
#[must_use]
pub fn parse_timeout(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    if digits.is_empty() || digits.len() > MAX_DIGITS || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = digits.iter().fold(0, |sum: u64, digit| sum * 10 + u64::from(digit - b'0'));
    match unit {
        b'H' => Some(Duration::from_secs(number * 3600)),
        b'M' => Some(Duration::from_secs(number * 60)),
        b'S' => Some(Duration::from_secs(number)),
        b'm' => Some(Duration::from_millis(number)),
        b'u' => Some(Duration::from_micros(number)),
        b'n' => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

/// Writes a `grpc-timeout` in the finest unit that 8 digits hold, rounded down, and never 0: what is left of a live call
/// is at least a nanosecond. Over 99,999,999 hours it says just that.
#[must_use]
pub fn format_timeout(left: Duration) -> TimeoutText {
    let nanos = left.as_nanos().max(1);
    let fits = UNITS.into_iter().find(|(_, size)| nanos / size <= MAX_VALUE);
    let (unit, number) = fits.map_or((b'H', MAX_VALUE), |(unit, size)| (unit, nanos / size));
    TimeoutText::new(number as u32, unit)
}

// === impl Deadline ===

impl Deadline {
    /// No end.
    pub const NEVER: Self = Self { at: None, capped: false };

    /// The effective deadline of a call that arrived at `now`: min(what the caller left, the route's cap). A call with
    /// neither gets none: a cap that nobody asked for breaks slow calls that work without a mesh.
    #[must_use]
    pub fn effective(now: Instant, caller: Option<Duration>, policy: &RoutePolicy) -> Self {
        match (caller, policy.request_timeout) {
            (caller, Some(cap)) if caller.is_none_or(|caller| cap < caller) => {
                Self { capped: true, ..Self::after(now, Some(cap)) }
            }
            (caller, _) => Self::after(now, caller),
        }
    }

    /// `left` from `now`; a time too far away for the clock is no deadline.
    #[must_use]
    pub fn after(now: Instant, left: Option<Duration>) -> Self {
        Self { at: left.and_then(|left| now.checked_add(left)), capped: false }
    }

    /// The earlier of this one and `per_try` from `now`: the deadline of an attempt.
    #[must_use]
    pub fn of_attempt(self, now: Instant, per_try: Option<Duration>) -> Self {
        let attempt = Self::after(now, per_try);
        match (self.at, attempt.at) {
            (Some(call), Some(own)) if own < call => attempt,
            (None, Some(_)) => attempt,
            _ => self,
        }
    }

    /// What a call comes to whose deadline has passed: by its caller's doing, or by the route's.
    #[must_use]
    pub fn outcome(self) -> Outcome {
        if self.capped { Outcome::cap() } else { Outcome::deadline() }
    }

    /// The instant, if there is one.
    #[must_use]
    pub fn instant(self) -> Option<Instant> {
        self.at
    }

    /// What is left at `now`, 0 when it has passed; `None` where there is no deadline.
    #[must_use]
    pub fn remaining(self, now: Instant) -> Option<Duration> {
        self.at.map(|end| end.saturating_duration_since(now))
    }

    /// Whether it has passed.
    #[must_use]
    pub fn is_expired(self, now: Instant) -> bool {
        self.at.is_some_and(|end| end <= now)
    }
}

// === impl TimeoutText ===

impl TimeoutText {
    fn new(mut number: u32, unit: u8) -> Self {
        let mut text = Self { bytes: [b'0'; MAX_DIGITS + 1], start: MAX_DIGITS };
        text.bytes[MAX_DIGITS] = unit;
        while number > 0 && text.start > 0 {
            text.start -= 1;
            text.bytes[text.start] = b'0' + (number % 10) as u8;
            number /= 10;
        }
        text
    }

    /// The field's value.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }
}

impl std::fmt::Debug for TimeoutText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.as_bytes().escape_ascii())
    }
}
