//! Loops whose turns take their time, so that much comes at once: connections are refused, closed and accepted in one turn.

use super::plain::{self, call, reply};
use crate::chance::Dice;
use crate::fault::{Fault, FaultKind};
use crate::scenario::{CallPlan, Ending, Entry, Scenario};
use std::time::Duration;

pub(super) fn teach(dice: &mut Dice, scenario: &mut Scenario) {
    if scenario.turn.is_zero() && dice.percent(50) {
        scenario.turn = Duration::from_micros(dice.between(100, 5_000));
    }
}

/// Many clients come one by one while a server is gone to which every call is a connection refused.
pub(super) fn draw(dice: &mut Dice, seed: u64) -> Scenario {
    let clients = dice.between(10, 30) as usize;
    let calls = (1..=clients * 2).map(|id| one(dice, id, clients)).collect();
    let mut scenario = plain::mesh(dice, seed, calls);
    scenario.clients = vec![scenario.clients[0].clone(); clients];
    scenario.clients.iter_mut().for_each(|client| client.entry = dice.pick(&[Entry::Plain, Entry::Connect]));
    let server = dice.index(scenario.servers.len());
    scenario.faults = vec![Fault {
        at: Duration::from_millis(100),
        kind: FaultKind::Crash { server, lasts: Duration::from_secs(3) },
    }];
    scenario.turn = Duration::from_millis(dice.between(2, 20));
    Scenario { calm: false, ..scenario }
}

fn one(dice: &mut Dice, id: usize, clients: usize) -> CallPlan {
    let at = Duration::from_millis(dice.between(300, 2_500));
    CallPlan { at, client: id % clients, ..call(id, vec![reply(Ending::Status(0))]) }
}
