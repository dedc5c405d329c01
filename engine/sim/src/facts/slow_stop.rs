//! A sidecar that is stopped while somebody reads slowly what it has taken.

use super::plain::{self, call, reply};
use crate::chance::Dice;
use crate::fault::{Fault, FaultKind};
use crate::scenario::{Body, CallPlan, Ending, Kind, Pace, Reply, Scenario};
use std::time::Duration;

/// Replies of 100 KB to 1 MiB to a reader of some 50 KB/s; a sidecar stops meanwhile and has thirty seconds for it.
pub(super) fn draw(dice: &mut Dice, seed: u64) -> Scenario {
    let count = dice.between(1, 4) as usize;
    let calls = (1..=count).map(|id| one(dice, id)).collect();
    let mut scenario = plain::mesh(dice, seed, calls);
    let every = Duration::from_millis(dice.between(20, 100));
    for client in &mut scenario.clients {
        client.pace = Pace::Slow { bytes: dice.between(2_000, 8_000) as u32, every };
        client.window = dice.pick(&[65_535, 16_384, 1 << 20]);
        client.sips = Some(every);
        client.pace = dice.pick(&[Pace::Eager, client.pace]);
    }
    scenario.network.local.buffer = 16 << 10;
    let with: Vec<usize> = (0..scenario.servers.len()).filter(|at| scenario.servers[*at].has_sidecar).collect();
    let sidecar = if dice.percent(60) { 0 } else { 1 + dice.pick(&with) };
    let at = Duration::from_millis(dice.between(600, 2_000));
    scenario.faults = vec![Fault { at, kind: FaultKind::Drain { sidecar, grace: Duration::from_secs(30) } }];
    Scenario { calm: false, ..scenario }
}

fn one(dice: &mut Dice, id: usize) -> CallPlan {
    let kind = dice.pick(&[Kind::Unary, Kind::Download]);
    let body = Body { pieces: 1, bytes: dice.between(100_000, 1 << 20) as u32, gap: Duration::ZERO };
    CallPlan { kind, ..call(id, vec![Reply { body, ..reply(Ending::Status(0)) }]) }
}
