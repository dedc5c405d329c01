//! Services of one instance or a few whose application fails often: they stay reachable.

use super::plain::{self, call, reply};
use crate::chance::Dice;
use crate::scenario::{CallPlan, Ending, Kind, Reply, Scenario};
use std::time::Duration;

/// Two clients, one after the other and at once; most calls fail by the application's own word or the caller's deadline.
pub(super) fn draw(dice: &mut Dice, seed: u64) -> Scenario {
    let count = dice.between(20, 60) as usize;
    let calls = (1..=count).map(|id| one(dice, id)).collect();
    let mut scenario = plain::mesh(dice, seed, calls);
    scenario.clients.push(scenario.clients[0].clone());
    scenario.pushes[0].policy.accrual = dice.pick(&[7, 3, 1]);
    scenario.pushes[0].policy.attempts = dice.pick(&[1, 2]);
    Scenario { calm: false, ..scenario }
}

fn one(dice: &mut Dice, id: usize) -> CallPlan {
    let ending = dice.pick(&[
        Ending::Status(13),
        Ending::Only(13),
        Ending::Status(2),
        Ending::Status(4),
        Ending::Only(4),
        Ending::Status(14),
        Ending::Only(14),
        Ending::Status(0),
    ]);
    let is_impatient = dice.percent(30);
    let delay = Duration::from_millis(if is_impatient { dice.between(40, 90) } else { dice.between(0, 3) });
    CallPlan {
        client: dice.index(2),
        at: Duration::from_millis(dice.between(400, 4_000)),
        kind: dice.pick(&[Kind::Unary, Kind::Idempotent, Kind::Download]),
        timeout: is_impatient.then(|| Duration::from_millis(dice.between(1, 30))),
        ..call(id, vec![Reply { delay, ..reply(ending) }])
    }
}
