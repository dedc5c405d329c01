//! What the scenario's faults do to the run, and how they end.

use crate::agenda::Event;
use crate::fault::{FaultKind, Link};
use crate::passage::{Actor, Conn};
use crate::run::Run;
use crate::time::Time;
use std::time::Duration;

/// A server that pauses for less loses nothing.
const A_WHILE: Duration = Duration::from_secs(1);

// === impl Run ===

impl Run<'_> {
    pub(crate) fn begin_fault(&mut self, at: usize) {
        let fault = self.world.scenario.faults[at];
        let world = &mut self.world;
        let now = world.now;
        world.note("fault", &[at as u64], || format!("{:?}", fault.kind));
        let until = now + lasts(&fault.kind);
        if until > now {
            world.agenda.at(until, Event::Heal(at));
        }
        if costs_calls(&fault.kind) {
            world.judge.disturbed(now, until);
        }
        match fault.kind {
            FaultKind::Cut { link, nth } => {
                if let Some(conn) = pick(&world.net.open_on(link), nth) {
                    world.net.cut(now, &mut world.agenda, conn);
                }
            }
            FaultKind::HalfOpen { link, nth, dead } => {
                if let Some(conn) = pick(&world.net.open_on(link), nth) {
                    world.net.break_half(now, &mut world.agenda, conn, dead);
                }
            }
            FaultKind::Partition { link, .. } => world.net.partition(link, until),
            FaultKind::Slow { link, by, .. } => world.net.slow(link, by),
            FaultKind::ClientPauses { client, .. } => self.clients[client].paused = true,
            FaultKind::ServerPauses { server, .. } => self.servers[server].paused = true,
            FaultKind::Crash { server, .. } => self.servers[server].crash(world),
            FaultKind::GoAway { server } => self.servers[server].go_away(world),
            FaultKind::Resettle { server, window, max_streams } => {
                self.servers[server].resettle(world, window, max_streams);
            }
            FaultKind::ClientLeaves { client } => self.clients[client].leave(world),
            FaultKind::Drain { sidecar, .. } if self.sidecars[sidecar].has_stopped => {}
            FaultKind::Drain { sidecar, grace } => {
                self.sidecars[sidecar].drain(world);
                // From now on nobody is there.
                world.judge.disturbed(now, Time::NEVER);
                world.after(grace, Event::GraceOver(sidecar));
            }
            FaultKind::Restart { sidecar, .. } => {
                self.sidecars[sidecar].crash(world);
                self.control.forget(sidecar);
            }
            FaultKind::StandStill { sidecar, lasts, behind_ping: true } => self.sidecars[sidecar].freezes = Some(lasts),
            FaultKind::StandStill { sidecar, lasts, .. } => self.sidecars[sidecar].freeze(world, lasts),
            FaultKind::ControlLost { sidecar } => self.control.lose(world, sidecar),
        }
    }

    pub(crate) fn heal(&mut self, at: usize) {
        let world = &mut self.world;
        match world.scenario.faults[at].kind {
            FaultKind::Slow { link, .. } => world.net.slow(link, Duration::ZERO),
            FaultKind::ClientPauses { client, .. } => self.clients[client].resume(world),
            FaultKind::ServerPauses { server, .. } => self.servers[server].resume(world),
            FaultKind::Crash { server, .. } => {
                world.net.listening.insert(Actor::Server(server));
            }
            FaultKind::Restart { sidecar, cached, .. } if self.sidecars[sidecar].has_crashed => {
                self.sidecars[sidecar].start(world, cached);
                self.control.lose(world, sidecar);
            }
            _ => {}
        }
    }
}

fn pick(list: &[Conn], nth: usize) -> Option<Conn> {
    list.get(nth % list.len().max(1)).copied()
}

fn lasts(kind: &FaultKind) -> Duration {
    match *kind {
        FaultKind::Partition { lasts, .. }
        | FaultKind::Slow { lasts, .. }
        | FaultKind::ClientPauses { lasts, .. }
        | FaultKind::ServerPauses { lasts, .. }
        | FaultKind::Crash { lasts, .. }
        | FaultKind::Restart { lasts, .. } => lasts,
        _ => Duration::ZERO,
    }
}

/// Whether a call may fail for it; the rest only takes time.
fn costs_calls(kind: &FaultKind) -> bool {
    match kind {
        FaultKind::ServerPauses { lasts, .. } => *lasts >= A_WHILE,
        FaultKind::Partition { link, .. } | FaultKind::Cut { link, .. } | FaultKind::HalfOpen { link, .. } => {
            !matches!(link, Link::Control(_))
        }
        // When it stands still is not known yet.
        FaultKind::StandStill { .. } => false,
        FaultKind::Slow { .. } | FaultKind::Resettle { .. } | FaultKind::ControlLost { .. } => false,
        _ => true,
    }
}
