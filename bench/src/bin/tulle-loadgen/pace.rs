//! When calls are meant to start: at a rate from the first moment on, whatever the answers do.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};

/// Intended start times. Without a rate there are none: the next call starts when one ends.
pub(crate) struct Pace {
    gap: Option<Duration>,
    started: Instant,
    end: Instant,
    taken: u32,
    timer: OwnedFd,
}

// === impl Pace ===

impl Pace {
    pub(crate) fn new(rate: Option<f64>, started: Instant, time: Duration) -> std::io::Result<Self> {
        let gap = rate.map(|rate| Duration::from_secs_f64(1.0 / rate));
        let timer = rustix::time::timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK)?;
        if let Some(gap) = gap {
            // The poll's own timeout is rounded to milliseconds; a timer keeps microseconds.
            let step = Timespec { tv_sec: gap.as_secs() as i64, tv_nsec: i64::from(gap.subsec_nanos()) };
            let every = Itimerspec { it_interval: step, it_value: step };
            rustix::time::timerfd_settime(&timer, TimerfdTimerFlags::empty(), &every)?;
        }
        Ok(Self { gap, started, end: started + time, taken: 0, timer })
    }

    pub(crate) fn timer(&self) -> &OwnedFd {
        &self.timer
    }

    pub(crate) fn end(&self) -> Instant {
        self.end
    }

    pub(crate) fn is_closed_loop(&self) -> bool {
        self.gap.is_none()
    }

    /// The intended start of the next call, when that is not in the future and not past the end.
    pub(crate) fn due(&self, now: Instant) -> Option<Instant> {
        let next = self.started + self.gap? * self.taken;
        (next <= now && next < self.end).then_some(next)
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
