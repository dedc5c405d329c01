//! Deadlines: the caller's `grpc-timeout`, the route's cap, and what is left of both.

use super::policy::RoutePolicy;
use std::time::{Duration, Instant};

/// Cap of a unary call whose caller set no deadline.
pub const UNARY_DEFAULT: Duration = Duration::from_secs(15);
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

/// When a call must have ended, if ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deadline(Option<Instant>);

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
    pub const NEVER: Self = Self(None);

    /// The effective deadline of a call that arrived at `now`: min(what the caller left, the route's cap). A unary call
    /// with neither gets 15 s; other calls then get none.
    #[must_use]
    pub fn effective(now: Instant, caller: Option<Duration>, policy: &RoutePolicy, unary: Option<bool>) -> Self {
        let cap = policy.request_timeout;
        let left = match (caller, cap) {
            (Some(caller), Some(cap)) => Some(caller.min(cap)),
            (None, None) if unary == Some(true) => Some(UNARY_DEFAULT),
            (caller, cap) => caller.or(cap),
        };
        Self::after(now, left)
    }

    /// `left` from `now`; a time too far away for the clock is no deadline.
    #[must_use]
    pub fn after(now: Instant, left: Option<Duration>) -> Self {
        Self(left.and_then(|left| now.checked_add(left)))
    }

    /// The instant, if there is one.
    #[must_use]
    pub fn instant(self) -> Option<Instant> {
        self.0
    }

    /// What is left at `now`, 0 when it has passed; `None` where there is no deadline.
    #[must_use]
    pub fn remaining(self, now: Instant) -> Option<Duration> {
        self.0.map(|end| end.saturating_duration_since(now))
    }

    /// Whether it has passed.
    #[must_use]
    pub fn is_expired(self, now: Instant) -> bool {
        self.0.is_some_and(|end| end <= now)
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
