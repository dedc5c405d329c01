//! A whole process that stands still (SIGSTOP, a paused machine) and goes on with what has come in the meantime.

use super::quiet;
use crate::chance::Dice;
use crate::fault::{Fault, FaultKind};
use crate::scenario::Scenario;
use std::time::Duration;

/// Quiet calls; a sidecar stands still for ten seconds as soon as it has asked a silent peer for life.
pub(super) fn draw(dice: &mut Dice, seed: u64) -> Scenario {
    let mut scenario = quiet::draw(dice, seed);
    let with: Vec<usize> = (0..scenario.servers.len()).filter(|at| scenario.servers[*at].has_sidecar).collect();
    let sidecar = if dice.percent(60) { 0 } else { 1 + dice.pick(&with) };
    let kind = FaultKind::StandStill {
        sidecar,
        lasts: Duration::from_millis(dice.between(6_000, 12_000)),
        behind_ping: dice.percent(80),
    };
    scenario.faults = vec![Fault { at: Duration::from_secs(dice.between(1, 30)), kind }];
    Scenario { calm: false, ..scenario }
}
