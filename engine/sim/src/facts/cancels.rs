//! A caller that cancels much beside one that does not, on one application's connection.

use super::plain::{self, call, reply};
use crate::chance::Dice;
use crate::scenario::{Body, CallPlan, Ending, Kind, Reply, Scenario};
use std::time::Duration;

/// What Netty's HTTP/2 takes for an attack is 200 resets in 30 s (`DefaultHttp2FrameReader`'s decoder builder).
const NETTYS: u32 = 200;
const BEGINS: u64 = 500;

/// The first client cancels 100 to 400 calls a second, 1 to 50 ms after their start, while a stream of its own is open; the
/// second makes a call every 20 ms.
pub(super) fn draw(dice: &mut Dice, seed: u64) -> Scenario {
    let lasts = dice.between(500, 2_000);
    let between = dice.pick(&[2_500, 5_000, 10_000]);
    let cancelled = (0..lasts * 1_000 / between).map(|nth| BEGINS * 1_000 + nth * between);
    let mut calls: Vec<CallPlan> = cancelled.map(|at| cancelled_at(dice, at)).collect();
    calls.push(held(lasts));
    calls.extend((0..lasts / 20).map(|nth| well(dice, BEGINS + nth * 20)));
    calls.iter_mut().enumerate().for_each(|(at, call)| call.id = at + 1);
    let mut scenario = plain::mesh(dice, seed, calls);
    scenario.clients.push(scenario.clients[0].clone());
    let counts = dice.percent(30);
    scenario.servers.iter_mut().for_each(|server| server.habits.most_resets = counts.then_some(NETTYS));
    Scenario { calm: !counts, ..scenario }
}

fn cancelled_at(dice: &mut Dice, micros: u64) -> CallPlan {
    let kind = dice.pick(&[Kind::Unary, Kind::Unary, Kind::Download, Kind::Chat]);
    let delay = Duration::from_millis(dice.between(0, 200));
    let cancel_after = Some(Duration::from_millis(dice.between(1, 50)));
    let reply = Reply { delay, ..reply(Ending::Status(0)) };
    CallPlan { at: Duration::from_micros(micros), kind, cancel_after, ..call(0, vec![reply]) }
}

fn held(lasts: u64) -> CallPlan {
    let body = Body { pieces: 10, bytes: 50, gap: Duration::from_millis(lasts / 10) };
    CallPlan { kind: Kind::Download, ..call(0, vec![Reply { body, ..reply(Ending::Status(0)) }]) }
}

fn well(dice: &mut Dice, at: u64) -> CallPlan {
    let delay = Duration::from_millis(dice.between(0, 20));
    CallPlan { client: 1, at: Duration::from_millis(at), ..call(0, vec![Reply { delay, ..reply(Ending::Status(0)) }]) }
}
