//! What is still to come, in order of time and, within a time, in the order in which it was put down.

use crate::passage::{Conn, NetEvent};
use crate::time::Time;
use std::collections::BTreeMap;

/// Something that is due at its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Net(NetEvent),
    /// A call of the scenario begins.
    Call(usize),
    /// A client sends the call's next piece.
    Say(usize),
    /// A client gives a call up.
    Cancel(usize),
    /// A client's own clock says that a call's time is over.
    CallersTimeOver(usize),
    /// A client tries to connect again.
    Redial(usize),
    /// A slow client gives window back.
    ClientReads(usize),
    /// A client reads its socket again.
    Sip(usize),
    /// A server does the next thing of a reply.
    Serve {
        server: usize,
        conn: Conn,
        stream: u32,
    },
    /// A connection of a server's has reached the age at which it ends.
    TooOld {
        server: usize,
        conn: Conn,
    },
    /// A slow server gives window back.
    ServerReads(usize),
    /// A fault of the scenario begins.
    Fault(usize),
    /// And ends.
    Heal(usize),
    /// The control plane makes a revision.
    Push(usize),
    /// A snapshot reaches a sidecar.
    Snapshot {
        sidecar: usize,
        epoch: u32,
        revision: u64,
    },
    /// Its answer reaches the control plane.
    Answer {
        sidecar: usize,
        epoch: u32,
        revision: u64,
        acked: bool,
    },
    /// A control stream is made again.
    Rejoin {
        sidecar: usize,
        epoch: u32,
    },
    /// A drained sidecar's time is over.
    GraceOver(usize),
}

#[derive(Debug, Default)]
pub(crate) struct Agenda {
    queue: BTreeMap<(Time, u64), Event>,
    put: u64,
}

// === impl Agenda ===

impl Agenda {
    pub(crate) fn at(&mut self, time: Time, event: Event) {
        self.put += 1;
        self.queue.insert((time, self.put), event);
    }

    pub(crate) fn next_time(&self) -> Option<Time> {
        self.queue.keys().next().map(|(time, _)| *time)
    }

    /// The next event that is due at `now`.
    pub(crate) fn pop(&mut self, now: Time) -> Option<Event> {
        let entry = self.queue.first_entry()?;
        if entry.key().0 > now {
            return None;
        }
        Some(entry.remove())
    }
}
