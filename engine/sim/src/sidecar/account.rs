//! What the models of a sidecar's connections have seen, told to the judge.

use super::{Sidecar, Socket};
use crate::facts::Fact;
use crate::fault::Side;
use crate::net::Net;
use crate::passage::{Actor, Conn};
use crate::watch::Mark;
use crate::world::World;
use std::sync::Arc;
use tulle_mesh::balance::endpoint::EndpointCell;
use tulle_mesh::resilience::accrual::EndpointState;
use tulle_mesh::telemetry::CounterName;

// === impl Sidecar ===

impl Sidecar {
    /// Tells what the models have seen.
    pub(super) fn report(&mut self, world: &mut World<'_>) {
        for socket in self.sockets.values_mut() {
            if let Some(fault) = socket.watch.fault.take() {
                let link = world.net.link(socket.conn);
                world.judge.violated("wire", format!("sidecar {} on {link:?}: {fault}", self.index));
            }
            let marks = std::mem::take(&mut socket.watch.marks);
            if !matches!(world.net.actor(socket.conn, Side::Dialer), Actor::Client(_)) {
                continue;
            }
            let last = socket.watch.last_taken;
            for mark in marks {
                match mark {
                    Mark::Asked(stream) if stream > last => {}
                    Mark::Asked(stream) => world.judge.arrived(socket.conn, stream, world.now, self.revision),
                    Mark::Answered(stream) => world.judge.answered(socket.conn, stream, world.now),
                    Mark::GivenUp(stream) => world.judge.given_up(socket.conn, stream),
                }
            }
        }
    }

    pub(super) fn judge(&self, world: &mut World<'_>, socket: &Socket) {
        if let Some(fault) = &socket.watch.fault {
            world.judge.violated("wire", format!("sidecar {}: {fault}", self.index));
        }
    }

    /// No more than half of a service's endpoints is out.
    pub(super) fn check_ejections(&self, world: &mut World<'_>) {
        let Some(snapshot) = self.snapshot.as_ref().filter(|_| world.scenario.facts.has(Fact::Half)) else { return };
        for cluster in snapshot.clusters() {
            let (all, is_out) =
                (cluster.endpoints(), |cell: &&Arc<EndpointCell>| cell.state() != EndpointState::Closed);
            world.judge.ejected(cluster.name(), all.iter().filter(is_out).count(), all.len());
        }
    }

    /// How things stand when a turn begins.
    pub(super) fn look_back(&mut self, world: &World<'_>) {
        if world.scenario.facts.has(Fact::StandStill) {
            self.buried = self.given_up();
            let unread = self.sockets.iter().filter(|(_, socket)| world.net.has_arrived(socket.conn, socket.side));
            self.unread = unread.map(|(key, _)| *key).collect();
        }
    }

    /// Nobody is given up for silence whose bytes lie unread.
    pub(super) fn check_burial(&self, world: &mut World<'_>, key: u32) {
        if self.unread.contains(&key) && self.given_up() > self.buried {
            let words = format!("sidecar {} takes a peer for dead whose bytes it has not read", self.index);
            world.judge.violated("alive", words);
        }
    }

    fn given_up(&self) -> u64 {
        self.worker.telemetry.counters.get(CounterName::ConnectionsClosed, "keepalive")
    }

    /// Connections that take no byte of what is written to them.
    pub(crate) fn blocked(&self, net: &Net) -> Vec<Conn> {
        let blocked = |socket: &&Socket| !net.is_writable(socket.conn, socket.side);
        self.sockets.values().filter(blocked).map(|socket| socket.conn).collect()
    }
}
