//! The load of all kinds but handshakes: connections that stay, and calls on them.

use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token as Key};
use tulle_bench::wire::Buffers;

use crate::caller::Caller;
use crate::failure::Failure;
use crate::pace::Pace;
use crate::plan::Plan;
use crate::tally::Tally;

const TIMER: Key = Key(usize::MAX);
/// How long connections may take to be made, all together.
const CONNECTING: Duration = Duration::from_secs(10);
/// How long calls still in flight at the end may take.
const LAST_CALLS: Duration = Duration::from_secs(10);

/// The connections and the loop that serves them.
struct Load<'p> {
    plan: &'p Plan,
    poll: Poll,
    events: Events,
    buffers: Buffers,
    callers: Vec<Caller>,
    /// Connections that something happened on in this turn, each once.
    touched: Vec<usize>,
    is_touched: Vec<bool>,
    /// The connection whose turn it is to take a call that is due.
    turn: usize,
}

/// Makes all connections, then the calls.
///
/// # Errors
/// Nothing could connect, or the system gives no poll or timer.
pub(crate) fn run(plan: &Plan) -> Result<Tally, String> {
    let mut load = Load::new(plan).map_err(|error| error.to_string())?;
    let mut early = Tally::new(plan.connections, None);
    load.connect(&mut early).map_err(|error| format!("--target {}: {error}", plan.target))?;
    load.check_connected()?;
    let started = Instant::now();
    let end = started + plan.time;
    let pace = plan.rate.map(|rate| Pace::new(rate, started, plan.time)).transpose();
    let mut pace = pace.map_err(|error| format!("--rate: {error}"))?;
    let mut tally = Tally::new(plan.connections, pace.is_none().then_some(end));
    let unmade = load.callers.iter().filter(|caller| caller.lost().is_some()).count();
    tally.fail(Failure::NotConnected, unmade as u64);
    load.serve(&mut pace, &mut tally, end).map_err(|error| error.to_string())?;
    Ok(tally.close())
}

// === impl Load ===

impl<'p> Load<'p> {
    fn new(plan: &'p Plan) -> io::Result<Self> {
        Ok(Self {
            plan,
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            buffers: Buffers::default(),
            callers: Vec::with_capacity(plan.connections),
            touched: Vec::with_capacity(plan.connections),
            is_touched: vec![false; plan.connections],
            turn: 0,
        })
    }

    /// Until each connection is ready or lost, or the time is over.
    fn connect(&mut self, tally: &mut Tally) -> io::Result<()> {
        for number in 0..self.plan.connections {
            let mut caller = Caller::connect(self.plan, number, self.plan.streams)?;
            self.poll.registry().register(caller.socket(), Key(number), Interest::READABLE | Interest::WRITABLE)?;
            self.callers.push(caller);
        }
        let last = Instant::now() + CONNECTING;
        while self.callers.iter().any(|caller| !caller.is_ready() && caller.lost().is_none()) {
            let now = Instant::now();
            if now > last {
                break;
            }
            self.wait(last - now, None, tally)?;
            self.flush(tally);
        }
        Ok(())
    }

    fn check_connected(&self) -> Result<(), String> {
        if self.callers.iter().any(Caller::is_ready) {
            return Ok(());
        }
        let cause = self.callers.iter().find_map(Caller::lost).unwrap_or("no answer within 10 s");
        Err(format!("--target {}: nothing could connect: {cause}; is the server there?", self.plan.target))
    }

    fn serve(&mut self, pace: &mut Option<Pace>, tally: &mut Tally, end: Instant) -> io::Result<()> {
        if let Some(pace) = &pace {
            self.poll.registry().register(&mut SourceFd(&pace.timer().as_raw_fd()), TIMER, Interest::READABLE)?;
        }
        (0..self.callers.len()).for_each(|number| self.touch(number));
        loop {
            let now = Instant::now();
            match pace {
                Some(pace) => self.start_due(pace, now),
                None if now < end => self.fill(now),
                None => {}
            }
            self.flush(tally);
            if self.is_over(pace.as_ref(), tally, now, end) {
                return Ok(());
            }
            let limit = if now > end { end + LAST_CALLS } else { end };
            self.wait(limit.saturating_duration_since(now), pace.as_mut(), tally)?;
        }
    }

    /// Closed loop: a new call in every free slot. Slots become free where something happened only.
    fn fill(&mut self, now: Instant) {
        for &number in &self.touched {
            while self.callers[number].start(self.plan, now) {}
        }
    }

    /// Open loop: starts what is due, on connections in turn, as slots allow.
    fn start_due(&mut self, pace: &mut Pace, now: Instant) {
        while let Some(intended) = pace.due(now) {
            let count = self.callers.len();
            let numbers = (0..count).map(|step| (self.turn + step) % count);
            let Some(number) = numbers.into_iter().find(|&number| self.callers[number].is_free()) else { return };
            if !self.callers[number].start(self.plan, intended) {
                return;
            }
            self.touch(number);
            self.turn = number + 1;
            pace.take();
        }
    }

    /// Whether nothing more can come of it; what is left is counted as failed.
    fn is_over(&mut self, pace: Option<&Pace>, tally: &mut Tally, now: Instant, end: Instant) -> bool {
        let left = pace.map_or(0, Pace::left);
        if self.callers.iter().all(|caller| caller.lost().is_some()) {
            tally.fail(Failure::ConnectionLost, left.into());
            return true;
        }
        if now <= end {
            return false;
        }
        let is_late = now > end + LAST_CALLS;
        if is_late {
            self.callers.iter_mut().for_each(|caller| caller.abandon(Failure::NotAnswered, tally));
            tally.fail(Failure::NotStarted, left.into());
        }
        is_late || (left == 0 && self.callers.iter().all(|caller| caller.in_flight() == 0))
    }

    /// Waits for something to happen and reads what came.
    fn wait(&mut self, limit: Duration, mut pace: Option<&mut Pace>, tally: &mut Tally) -> io::Result<()> {
        match self.poll.poll(&mut self.events, Some(limit + Duration::from_millis(1))) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            other => other?,
        }
        for event in &self.events {
            match event.token() {
                TIMER => pace.iter_mut().for_each(|pace| pace.acknowledge()),
                Key(number) => {
                    self.callers[number].read(self.plan, &mut self.buffers, tally);
                    touch(&mut self.touched, &mut self.is_touched, number);
                }
            }
        }
        Ok(())
    }

    fn flush(&mut self, tally: &mut Tally) {
        for number in self.touched.drain(..) {
            self.is_touched[number] = false;
            self.callers[number].flush(self.plan, tally);
        }
    }

    fn touch(&mut self, number: usize) {
        touch(&mut self.touched, &mut self.is_touched, number);
    }
}

fn touch(touched: &mut Vec<usize>, is_touched: &mut [bool], number: usize) {
    if !std::mem::replace(&mut is_touched[number], true) {
        touched.push(number);
    }
}
