//! When calls are meant to start: at a rate from the first moment on, whatever the answers do.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};

/// Intended start times within the time of load.
pub(crate) struct Pace {
    gap: Duration,
    started: Instant,
    calls: u32,
    taken: u32,
    timer: OwnedFd,
}

// === impl Pace ===

impl Pace {
    pub(crate) fn new(rate: f64, started: Instant, time: Duration) -> std::io::Result<Self> {
        let gap = Duration::from_secs_f64(1.0 / rate);
        let timer = rustix::time::timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK)?;
        // The poll's own timeout is rounded to milliseconds; a timer keeps microseconds.
        let step = Timespec { tv_sec: gap.as_secs() as i64, tv_nsec: i64::from(gap.subsec_nanos()) };
        let every = Itimerspec { it_interval: step, it_value: step };
        rustix::time::timerfd_settime(&timer, TimerfdTimerFlags::empty(), &every)?;
        // The first is due at once, so even the shortest time has one.
        let calls = time.as_nanos().div_ceil(gap.as_nanos()) as u32;
        Ok(Self { gap, started, calls, taken: 0, timer })
    }

    pub(crate) fn timer(&self) -> &OwnedFd {
        &self.timer
    }

    /// Calls that are still to start, due or not.
    pub(crate) fn left(&self) -> u32 {
        self.calls - self.taken
    }

    /// The intended start of the next call, when that is not in the future.
    pub(crate) fn due(&self, now: Instant) -> Option<Instant> {
        let next = self.started + self.gap * self.taken;
        (self.left() > 0 && next <= now).then_some(next)
    }

    pub(crate) fn take(&mut self) {
        self.taken += 1;
    }

    /// Reads the timer's count, so that it is quiet until it ticks again.
    pub(crate) fn acknowledge(&mut self) {
        let mut count = [0_u8; 8];
        let _ = rustix::io::read(&self.timer, &mut count);
    }
}
