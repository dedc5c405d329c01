//! Connections that live for one call: connect, handshake, call, close, again.

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token as Key};
use tulle_bench::wire::Buffers;

use crate::caller::Caller;
use crate::failure::Failure;
use crate::plan::Plan;
use crate::tally::Tally;

/// How long calls still in flight at the end may take.
const LAST_CALLS: Duration = Duration::from_secs(10);
/// How long a server may take to close after us.
const CLOSING: Duration = Duration::from_secs(1);
/// How long a slot waits after a connection that failed.
const PAUSE: Duration = Duration::from_millis(10);

/// One connection after the other.
struct Slot {
    caller: Option<Caller>,
    phase: Phase,
}

/// `Pausing => Calling => (Closing | Pausing)`, `Closing => Pausing`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing to do before this time.
    Pausing(Instant),
    /// The connection is made or its call is in flight.
    Calling,
    /// The call is over, the server's FIN is awaited till this time.
    Closing(Instant),
}

/// Connects again and again for the plan's time.
///
/// # Errors
/// Nothing could connect, or the system gives no poll.
pub(crate) fn run(plan: &Plan) -> Result<Tally, String> {
    let end = Instant::now() + plan.time;
    let mut tally = Tally::new(plan.connections, Some(end));
    let why = serve(plan, &mut tally, end).map_err(|error| error.to_string())?;
    if let (true, Some(why)) = (tally.never_connected(), why) {
        return Err(format!("--target {}: nothing could connect: {why}; is the server there?", plan.target));
    }
    Ok(tally.close())
}

/// Gives the cause of the last connection that was lost.
fn serve(plan: &Plan, tally: &mut Tally, end: Instant) -> io::Result<Option<String>> {
    let (mut poll, mut events, mut buffers) = (Poll::new()?, Events::with_capacity(1024), Buffers::default());
    let mut slots: Vec<Slot> = (0..plan.connections).map(|_| Slot::new()).collect();
    let mut why = None;
    loop {
        let now = Instant::now();
        for (number, slot) in slots.iter_mut().enumerate() {
            slot.go_on(number, plan, &poll, now, now < end)?;
            slot.flush(plan, tally);
        }
        if now > end + LAST_CALLS || (now >= end && slots.iter().all(|slot| slot.phase != Phase::Calling)) {
            slots
                .iter_mut()
                .filter_map(|slot| slot.caller.as_mut())
                .for_each(|c| c.abandon(Failure::NotAnswered, tally));
            return Ok(why);
        }
        match poll.poll(&mut events, Some(PAUSE)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            other => other?,
        }
        for event in &events {
            if let Some(cause) = slots[event.token().0].read(plan, &mut buffers, tally) {
                why = Some(cause);
            }
        }
    }
}

// === impl Slot ===

impl Slot {
    fn new() -> Self {
        Self { caller: None, phase: Phase::Pausing(Instant::now()) }
    }

    /// Connects when it is time to, and stops waiting for a server that does not close.
    fn go_on(&mut self, number: usize, plan: &Plan, poll: &Poll, now: Instant, may_connect: bool) -> io::Result<()> {
        match self.phase {
            Phase::Pausing(till) if till <= now && may_connect => {
                let mut caller = Caller::connect(plan, number, 1)?;
                poll.registry().register(caller.socket(), Key(number), Interest::READABLE | Interest::WRITABLE)?;
                caller.start(plan, now);
                self.caller = Some(caller);
                self.phase = Phase::Calling;
            }
            Phase::Closing(till) if till <= now => self.phase = Phase::Pausing(now),
            _ => {}
        }
        Ok(())
    }

    fn flush(&mut self, plan: &Plan, tally: &mut Tally) {
        if let (Some(caller), Phase::Calling) = (&mut self.caller, self.phase) {
            caller.flush(plan, tally);
        }
    }

    /// Gives the cause where the connection was lost.
    fn read(&mut self, plan: &Plan, buffers: &mut Buffers, tally: &mut Tally) -> Option<String> {
        let caller = self.caller.as_mut()?;
        let now = Instant::now();
        match self.phase {
            Phase::Pausing(_) => None,
            Phase::Closing(_) => {
                // The call was counted; that the server closes now is what is wanted.
                if caller.is_closed(buffers) {
                    self.phase = Phase::Pausing(now);
                }
                None
            }
            Phase::Calling => {
                caller.read(plan, buffers, tally);
                if let Some(cause) = caller.lost() {
                    self.phase = Phase::Pausing(now + PAUSE);
                    return Some(cause.to_owned());
                }
                if caller.in_flight() == 0 {
                    caller.finish();
                    self.phase = Phase::Closing(now + CLOSING);
                }
                None
            }
        }
    }
}
