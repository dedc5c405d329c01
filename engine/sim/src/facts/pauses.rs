//! A server that pauses for less than half a second (a garbage collection) while thousands of calls a second come.

use super::plain::{self, call, reply};
use crate::chance::Dice;
use crate::fault::{Fault, FaultKind};
use crate::named;
use crate::policy::PolicyPlan;
use crate::scenario::{CallPlan, Ending, Scenario};
use std::time::Duration;

/// Each may have a hundred calls in flight.
const CLIENTS: usize = 15;
const FROM: u64 = 550_000;

/// Thousands of calls a second to one server that takes any number of them at once: all it owes is an answer that is late.
pub(super) fn draw(dice: &mut Dice, seed: u64) -> Scenario {
    let between = dice.pick(&[200, 250]);
    let calls = (0..500_000 / between).map(|nth| one(nth as usize, FROM + nth * between)).collect();
    let mut scenario = plain::mesh(dice, seed, calls);
    scenario.clients = vec![scenario.clients[0].clone(); CLIENTS];
    scenario.servers.truncate(1);
    scenario.servers[0].max_streams = 10_000;
    scenario.servers[0].has_sidecar = dice.percent(30);
    scenario.pushes[0].policy = PolicyPlan { limits: [1_024, 10_000, 10_000, 3], ..named::default_policy() };
    scenario.network.local.buffer = 16 << 10;
    scenario.network.far.buffer = 16 << 10;
    let lasts = Duration::from_millis(dice.between(300, 500));
    scenario.faults =
        vec![Fault { at: Duration::from_millis(600), kind: FaultKind::ServerPauses { server: 0, lasts } }];
    Scenario { calm: false, ..scenario }
}

fn one(nth: usize, micros: u64) -> CallPlan {
    let at = Duration::from_micros(micros);
    CallPlan { client: nth % CLIENTS, at, ..call(nth + 1, vec![reply(Ending::Status(0))]) }
}
