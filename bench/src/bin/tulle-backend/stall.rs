//! One sleep of the whole thread, at a time counted from the first call.

use std::time::{Duration, Instant};

use tulle_bench::flags::Flags;

/// `Unset | Waiting => Due => Unset`: nothing planned; no call yet; the time is known.
pub(crate) struct Stall {
    after: Duration,
    length: Duration,
    state: State,
}

enum State {
    Unset,
    Waiting,
    Due(Instant),
}

// === impl Stall ===

impl Stall {
    /// # Errors
    /// One of the two flags is missing or wrong.
    pub(crate) fn from_flags(flags: &Flags) -> Result<Self, String> {
        if !flags.has("stall-at") && !flags.has("stall-ms") {
            return Ok(Self { after: Duration::ZERO, length: Duration::ZERO, state: State::Unset });
        }
        let after = Duration::from_secs_f64(flags.number("stall-at", 0.0, 600.0, None)?);
        let length = Duration::from_millis(flags.number("stall-ms", 1, 60_000, None)?);
        Ok(Self { after, length, state: State::Waiting })
    }

    /// A call has come.
    #[inline]
    pub(crate) fn call(&mut self) {
        if let State::Waiting = self.state {
            self.state = State::Due(Instant::now() + self.after);
        }
    }

    /// How long until it is due.
    pub(crate) fn wait(&self) -> Option<Duration> {
        match self.state {
            State::Due(at) => Some(at.saturating_duration_since(Instant::now())),
            State::Unset | State::Waiting => None,
        }
    }

    /// Sleeps when it is due.
    pub(crate) fn sleep_if_due(&mut self) {
        if let State::Due(at) = self.state
            && at <= Instant::now()
        {
            std::thread::sleep(self.length);
            self.state = State::Unset;
        }
    }
}
