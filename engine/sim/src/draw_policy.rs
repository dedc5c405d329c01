//! What the control plane says in one revision.

use crate::chance::Dice;
use crate::draw::Mood;
use crate::policy::{Callers, PolicyPlan};
use crate::scenario::{Kind, ServerPlan};
use std::time::Duration;

pub(crate) fn policy(dice: &mut Dice, mood: Mood, servers: &[ServerPlan]) -> PolicyPlan {
    let calm = mood == Mood::Calm;
    let tight = mood == Mood::Storm && dice.percent(30);
    let time = |dice: &mut Dice, percent: u32, low: u64, high: u64| {
        let some = dice.percent(percent) && !calm;
        some.then(|| Duration::from_millis(dice.between(low, high)))
    };
    PolicyPlan {
        flaw: None,
        split: split(dice, mood, servers.len()),
        round_robin: dice.percent(50),
        declared: dice.percent(75),
        request_timeout: time(dice, 25, 20, 5_000),
        per_try_timeout: time(dice, 20, 20, 1_500),
        attempts: dice.between(1, 5) as u32,
        codes: dice.pick::<&[u32]>(&[&[14], &[14, 13, 4], &[14, 8, 1]]).to_vec(),
        idempotent: dice.percent(15),
        limits: if tight { dice.pick(&[[1, 1, 1, 0], [2, 5, 10, 1], [8, 2, 3, 3]]) } else { [1024, 1024, 1024, 3] },
        accrual: if calm { 7 } else { dice.pick(&[7, 7, 1, 3]) },
        connect_timeout: Duration::from_millis(dice.pick(&[5_000, 1_000])),
        denied: (!calm && dice.percent(10)).then(|| dice.pick(&Kind::ALL)),
        callers: if !calm && dice.percent(10) {
            dice.pick(&[Callers::NotNamed, Callers::Banned])
        } else {
            Callers::Allowed
        },
        sick: (0..servers.len()).filter(|_| dice.percent(12)).collect(),
        mistaken: mistaken(dice, mood, servers),
    }
}

/// A server whose sidecar will not be believed.
fn mistaken(dice: &mut Dice, mood: Mood, servers: &[ServerPlan]) -> Option<usize> {
    let server = dice.index(servers.len());
    (mood != Mood::Calm && dice.percent(6) && servers[server].has_sidecar).then_some(server)
}

/// One cluster with all servers, or two that share the calls; now and then nobody is in one.
fn split(dice: &mut Dice, mood: Mood, servers: usize) -> Vec<(Vec<usize>, u32)> {
    let all: Vec<usize> = (0..servers).collect();
    if mood != Mood::Calm && dice.percent(5) {
        return vec![(all, 2), (Vec::new(), 1)];
    }
    match dice.between(0, 3) {
        0 if servers > 1 => {
            let at = dice.between(1, servers as u64 - 1) as usize;
            vec![(all[..at].to_vec(), dice.between(0, 3) as u32), (all[at..].to_vec(), 2)]
        }
        1 => vec![(vec![dice.index(servers)], 1)],
        _ => vec![(all, 1)],
    }
}
