//! Calls that are silent for longer than anything in the mesh may take for dead: watches, long polls, slow reports.

use super::plain::{self, call, reply};
use crate::chance::Dice;
use crate::scenario::{Body, CallPlan, Ending, Kind, Reply, Scenario};
use std::time::Duration;

/// Long enough for as many attempts as may be made, each after the longest silence.
const LASTS: Duration = Duration::from_secs(800);

/// A calm mesh in which every call is silent for one to two and a half minutes.
pub(super) fn draw(dice: &mut Dice, seed: u64) -> Scenario {
    let count = dice.between(1, 6) as usize;
    let calls = (1..=count).map(|id| one(dice, id)).collect();
    Scenario { lasts: LASTS, calm: true, ..plain::mesh(dice, seed, calls) }
}

fn one(dice: &mut Dice, id: usize) -> CallPlan {
    let kind = dice.pick(&[Kind::Unary, Kind::Unary, Kind::Idempotent, Kind::Download, Kind::Chat]);
    let silence = Duration::from_millis(dice.between(61_000, 150_000));
    let at = Duration::from_millis(dice.between(500, 20_000));
    let reply = if kind.is_unary() {
        Reply { delay: silence, ..reply(Ending::Status(0)) }
    } else {
        Reply { body: Body { pieces: 2, bytes: 100, gap: silence }, ..reply(Ending::Status(0)) }
    };
    CallPlan { at, kind, ..call(id, vec![reply]) }
}
