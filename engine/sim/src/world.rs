//! What every actor of a run works with: time, the network, the account and the judge.

use crate::agenda::{Agenda, Event};
use crate::fault::Side;
use crate::judge::Judge;
use crate::net::Net;
use crate::passage::Conn;
use crate::scenario::Scenario;
use crate::stack::Stack;
use crate::tamper::Tamper;
use crate::time::Time;
use crate::trace::Trace;
use std::time::{Duration, Instant};

pub(crate) struct World<'s> {
    pub(crate) scenario: &'s Scenario,
    pub(crate) now: Time,
    /// Time zero, for those who want an `Instant`; only differences to it are ever used.
    base: Instant,
    pub(crate) agenda: Agenda,
    pub(crate) net: Net,
    pub(crate) judge: Judge<'s>,
    pub(crate) trace: Trace,
    pub(crate) tamper: Tamper,
}

// === impl World ===

impl<'s> World<'s> {
    pub(crate) fn new(scenario: &'s Scenario, base: Instant, trace: Trace, tamper: Tamper) -> Self {
        Self {
            scenario,
            now: Time::START,
            base,
            agenda: Agenda::default(),
            net: Net::new(scenario.seed, scenario.network),
            judge: Judge::new(scenario),
            trace,
            tamper,
        }
    }

    pub(crate) fn instant(&self) -> Instant {
        self.base + Duration::from_micros(self.now.micros())
    }

    pub(crate) fn time_of(&self, instant: Instant) -> Time {
        Time::from_micros(instant.saturating_duration_since(self.base).as_micros() as u64)
    }

    pub(crate) fn after(&mut self, wait: Duration, event: Event) {
        self.agenda.at(self.now + wait, event);
    }

    pub(crate) fn note(&mut self, what: &str, numbers: &[u64], line: impl FnOnce() -> String) {
        self.trace.note(self.now, what, numbers, line);
    }

    /// Writes as much of a peer's output as the network takes.
    pub(crate) fn flush(&mut self, conn: Conn, side: Side, stack: &mut Stack) {
        while self.net.is_writable(conn, side) {
            let output = stack.output();
            if output.is_empty() {
                return;
            }
            let taken = self.net.write(self.now, &mut self.agenda, conn, side, output);
            stack.wrote(taken);
        }
    }

    pub(crate) fn read(&mut self, conn: Conn, side: Side) -> Option<Vec<u8>> {
        self.net.read(self.now, &mut self.agenda, conn, side)
    }

    pub(crate) fn close(&mut self, conn: Conn, side: Side) {
        self.net.close(self.now, &mut self.agenda, conn, side);
    }

    pub(crate) fn cut(&mut self, conn: Conn) {
        self.judge.disturbed(self.now, self.now);
        self.net.cut(self.now, &mut self.agenda, conn);
    }
}
