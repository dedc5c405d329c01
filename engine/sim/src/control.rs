//! The control stream: whole snapshots, the latest wins, each answered by ACK or NACK before the next is sent
//! (`protos/tulle/v1/discovery.proto`).

use crate::agenda::Event;
use crate::chance;
use crate::fault::Link;
use crate::sidecar::Sidecar;
use crate::world::World;
use std::time::Duration;
use tulle_mesh::random::Random;

/// Before a broken stream is made again.
const REJOIN: Duration = Duration::from_millis(700);

/// One sidecar's stream, as the control plane sees it.
#[derive(Clone, Copy, Debug, Default)]
struct Stream {
    /// Which stream it is; what is said on an older one is not heard.
    epoch: u32,
    connected: bool,
    /// Sent and not answered.
    outstanding: bool,
    sent: u64,
}

#[derive(Debug)]
pub(crate) struct Control {
    streams: Vec<Stream>,
    /// Revisions made; each is one more than its place among the scenario's pushes.
    newest: u64,
    said: u64,
}

// === impl Control ===

impl Control {
    pub(crate) fn new(sidecars: usize) -> Self {
        let stream = Stream { connected: true, ..Stream::default() };
        Self { streams: vec![stream; sidecars], newest: 0, said: 0 }
    }

    pub(crate) fn push(&mut self, world: &mut World<'_>, push: usize) {
        self.newest = push as u64 + 1;
        for sidecar in 0..self.streams.len() {
            self.offer(world, sidecar);
        }
    }

    /// Sends the newest revision, unless an answer is still to come: what was made in between is never sent.
    fn offer(&mut self, world: &mut World<'_>, sidecar: usize) {
        let newest = self.newest;
        let stream = &mut self.streams[sidecar];
        if !stream.connected || stream.outstanding || stream.sent >= newest {
            return;
        }
        (stream.outstanding, stream.sent) = (true, newest);
        let event = Event::Snapshot { sidecar, epoch: stream.epoch, revision: newest };
        self.say(world, sidecar, event);
    }

    fn say(&mut self, world: &mut World<'_>, sidecar: usize, event: Event) {
        self.said += 1;
        let plan = world.scenario.network.far;
        let unit = chance::of(world.scenario.seed, &[3, sidecar as u64, self.said]).unit();
        let from = world.now.max(world.net.closed_until(Link::Control(sidecar)));
        world.agenda.at(from + plan.latency + plan.jitter.mul_f64(unit), event);
    }

    /// A snapshot is there: it is put in force or refused, and the answer goes back.
    pub(crate) fn deliver(&mut self, world: &mut World<'_>, sidecar: &mut Sidecar, epoch: u32, revision: u64) {
        let at = sidecar.index;
        let opens = world.net.closed_until(Link::Control(at));
        if world.now < opens {
            let event = Event::Snapshot { sidecar: at, epoch, revision };
            return world.agenda.at(opens, event);
        }
        if epoch != self.streams[at].epoch || sidecar.has_stopped {
            return;
        }
        let policy = &world.scenario.pushes[revision as usize - 1].policy;
        let bytes = policy.snapshot(revision, at, &world.scenario.servers);
        let result = sidecar.apply(world, revision, &bytes);
        let acked = result.is_ok();
        world.note("snapshot", &[at as u64, revision, u64::from(acked)], || {
            format!("sidecar {at} takes revision {revision}: {result:?}")
        });
        world.judge.answered_snapshot(at, policy.refused_resource(at), &result);
        if acked {
            world.judge.in_force.takes(at, world.now, revision);
        }
        self.say(world, at, Event::Answer { sidecar: at, epoch, revision, acked });
    }

    pub(crate) fn answered(&mut self, world: &mut World<'_>, sidecar: usize, epoch: u32) {
        let stream = &mut self.streams[sidecar];
        if stream.epoch == epoch {
            stream.outstanding = false;
            self.offer(world, sidecar);
        }
    }

    /// The stream is over, and nobody makes it again yet.
    pub(crate) fn forget(&mut self, sidecar: usize) {
        let stream = &mut self.streams[sidecar];
        stream.epoch += 1;
        (stream.connected, stream.outstanding) = (false, false);
    }

    pub(crate) fn lose(&mut self, world: &mut World<'_>, sidecar: usize) {
        self.forget(sidecar);
        let event = Event::Rejoin { sidecar, epoch: self.streams[sidecar].epoch };
        let at = (world.now + REJOIN).max(world.net.closed_until(Link::Control(sidecar)));
        world.agenda.at(at, event);
    }

    /// The sidecar is back and says which revision it has.
    pub(crate) fn rejoin(&mut self, world: &mut World<'_>, sidecar: usize, epoch: u32, has: u64) {
        let stream = &mut self.streams[sidecar];
        if stream.epoch == epoch {
            (stream.connected, stream.sent) = (true, has);
            self.offer(world, sidecar);
        }
    }
}
