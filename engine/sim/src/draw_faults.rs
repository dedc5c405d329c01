//! What goes wrong, where and when.

use crate::chance::Dice;
use crate::draw::Mood;
use crate::fault::{Fault, FaultKind, Link, Side};
use crate::scenario::{ClientPlan, ServerPlan};
use std::time::Duration;

pub(crate) fn faults(
    dice: &mut Dice,
    mood: Mood,
    clients: &[ClientPlan],
    servers: &[ServerPlan],
    lasts: Duration,
) -> Vec<Fault> {
    let count = match mood {
        Mood::Calm => 0,
        Mood::Servers => dice.pick(&[0, 1, 2, 4]),
        Mood::Weather | Mood::Storm => dice.pick(&[1, 2, 4, 8]),
    };
    let mut faults: Vec<Fault> = (0..count).map(|_| fault(dice, mood, clients, servers, lasts)).collect();
    faults.sort_by_key(|fault| fault.at);
    faults
}

fn fault(dice: &mut Dice, mood: Mood, clients: &[ClientPlan], servers: &[ServerPlan], lasts: Duration) -> Fault {
    let end = lasts.as_millis() as u64;
    let at = dice.between(0, end * 3 / 4);
    let left = end - at;
    let kind = match mood {
        Mood::Servers => of_server(dice, servers.len(), left),
        _ if dice.percent(25) => of_server(dice, servers.len(), left),
        _ => of_network(dice, clients.len(), servers, left),
    };
    Fault { at: Duration::from_millis(at), kind }
}

fn of_server(dice: &mut Dice, servers: usize, left: u64) -> FaultKind {
    let server = dice.index(servers);
    let lasts = Duration::from_millis(dice.between(1, left));
    match dice.between(0, 4) {
        0 => FaultKind::Crash { server, lasts },
        1 => FaultKind::GoAway { server },
        2 => FaultKind::ServerPauses { server, lasts },
        _ => FaultKind::Resettle {
            server,
            window: dice.pick(&[0, 100, 5_000, 65_535, 500_000]).max(100),
            max_streams: dice.pick(&[1, 3, 100]),
        },
    }
}

fn of_network(dice: &mut Dice, clients: usize, servers: &[ServerPlan], left: u64) -> FaultKind {
    let lasts = Duration::from_millis(dice.between(1, left));
    let link = link(dice, clients, servers);
    let far = mesh_link(dice, servers);
    let nth = dice.index(4);
    match dice.between(0, 13) {
        0..=2 => FaultKind::Cut { link, nth },
        3 | 4 => half_open(dice, servers, nth),
        5 | 6 => FaultKind::Partition { link: if dice.percent(70) { far } else { link }, lasts },
        7 => FaultKind::Slow { link: far, by: Duration::from_millis(dice.between(1, 2_000)), lasts },
        8 => FaultKind::ClientPauses { client: dice.index(clients), lasts },
        9 => FaultKind::ClientLeaves { client: dice.index(clients) },
        10 => FaultKind::ControlLost { sidecar: dice.index(servers.len() + 1) },
        11 => drain(dice, servers),
        _ => restart(dice, servers, left),
    }
}

/// Between sidecars alone: of a peer on the same machine, and of one that is never asked by PING, the kernel tells the end
/// (loopback, SO_KEEPALIVE), which a worker sees as a cut.
fn half_open(dice: &mut Dice, servers: &[ServerPlan], nth: usize) -> FaultKind {
    let server = dice.index(servers.len());
    let link = Link::Mesh(server);
    let dead = dice.pick(&[Side::Dialer, Side::Listener]);
    if servers[server].has_sidecar { FaultKind::HalfOpen { link, nth, dead } } else { FaultKind::Cut { link, nth } }
}

fn restart(dice: &mut Dice, servers: &[ServerPlan], left: u64) -> FaultKind {
    let lasts = Duration::from_millis(dice.between(1, left.min(3_000)));
    FaultKind::Restart { sidecar: any_sidecar(dice, servers), lasts, cached: dice.percent(50) }
}

fn drain(dice: &mut Dice, servers: &[ServerPlan]) -> FaultKind {
    let sidecar = any_sidecar(dice, servers);
    FaultKind::Drain { sidecar, grace: Duration::from_millis(dice.pick(&[0, 1_000, 30_000])) }
}

fn any_sidecar(dice: &mut Dice, servers: &[ServerPlan]) -> usize {
    let with: Vec<usize> = (0..servers.len()).filter(|at| servers[*at].has_sidecar).map(|at| at + 1).collect();
    if dice.percent(30) { 0 } else { dice.pick(&with) }
}

fn mesh_link(dice: &mut Dice, servers: &[ServerPlan]) -> Link {
    let server = dice.index(servers.len());
    if servers[server].has_sidecar && dice.percent(30) { Link::App(server) } else { Link::Mesh(server) }
}

fn link(dice: &mut Dice, clients: usize, servers: &[ServerPlan]) -> Link {
    match dice.between(0, 5) {
        0 => Link::Entry(dice.index(clients)),
        1 => Link::Control(dice.index(servers.len() + 1)),
        _ => mesh_link(dice, servers),
    }
}
