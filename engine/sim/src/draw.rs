//! A scenario out of a seed: who is there, what lies between them, what is called and what goes wrong.

use crate::chance::Dice;
use crate::draw_calls;
use crate::draw_faults;
use crate::draw_policy::policy;
use crate::facts::{self, Facts};
use crate::habits::Habits;
use crate::policy::{Flaw, Push};
use crate::scenario::{ClientPlan, Entry, LinkPlan, NetworkPlan, Pace, Scenario, Segments, ServerPlan};
use std::time::Duration;

/// How much of everything may go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Nothing: every call must end as its server said.
    Calm,
    /// Servers do as they like.
    Servers,
    /// The network does.
    Weather,
    /// Both, and policies are tight.
    Storm,
}

/// A seed's scenario, with what these facts add to it; the same in every run.
#[must_use]
pub fn draw(seed: u64, facts: Facts) -> Scenario {
    let scenario = facts::kind(seed, facts).unwrap_or_else(|| ordinary(seed));
    let mut scenario = Scenario { facts, ..scenario };
    facts::teach(&mut scenario);
    scenario
}

fn ordinary(seed: u64) -> Scenario {
    let mut dice = Dice::new(seed, 1);
    let mood = match dice.between(0, 99) {
        0..15 => Mood::Calm,
        15..40 => Mood::Servers,
        40..65 => Mood::Weather,
        _ => Mood::Storm,
    };
    let clients: Vec<_> = (0..dice.between(1, 3)).map(|_| client(&mut dice, mood)).collect();
    let servers: Vec<_> = (0..dice.between(1, 3)).map(|at| server(&mut dice, mood, at)).collect();
    let lasts = Duration::from_millis(dice.between(3_000, 20_000));
    let network = network(&mut dice);
    let pushes = pushes(&mut dice, mood, &servers, lasts);
    let calls = draw_calls::calls(&mut Dice::new(seed, 2), mood, &clients, &servers, lasts);
    let faults = draw_faults::faults(&mut Dice::new(seed, 3), mood, &clients, &servers, lasts);
    Scenario {
        seed,
        facts: Facts::NONE,
        clients,
        servers,
        network,
        turn: Duration::ZERO,
        calls,
        faults,
        pushes,
        lasts,
        calm: mood == Mood::Calm,
    }
}

fn client(dice: &mut Dice, mood: Mood) -> ClientPlan {
    ClientPlan {
        entry: dice.pick(&[Entry::Plain, Entry::Plain, Entry::Connect, Entry::Port]),
        pace: pace(dice, mood),
        window: dice.pick(&[65_535, 65_535, 16_384, 5_000, 1 << 20]),
        sips: None,
        estimates: false,
        keeps_deadlines: dice.percent(40),
    }
}

/// The first one always has a sidecar: there are two on a call's way, or more to choose from.
fn server(dice: &mut Dice, mood: Mood, at: u64) -> ServerPlan {
    let few = mood == Mood::Storm || mood == Mood::Servers;
    ServerPlan {
        has_sidecar: at == 0 || dice.percent(75),
        pace: pace(dice, mood),
        window: dice.pick(&[65_535, 65_535, 16_384, 5_000, 1 << 20]),
        max_streams: if few { dice.pick(&[100, 100, 1, 2, 5]) } else { 100 },
        max_frame: dice.pick(&[16_384, 16_384, 65_536]),
        habits: Habits::default(),
    }
}

fn pace(dice: &mut Dice, mood: Mood) -> Pace {
    let slow = if mood == Mood::Calm { 10 } else { 25 };
    if !dice.percent(slow) {
        return Pace::Eager;
    }
    let bytes = if mood == Mood::Calm { 100_000 } else { dice.pick(&[500, 5_000, 50_000]) };
    Pace::Slow { bytes, every: Duration::from_millis(dice.between(1, 40)) }
}

fn network(dice: &mut Dice) -> NetworkPlan {
    let buffers = [16 << 10, 64 << 10, 256 << 10];
    let link = |dice: &mut Dice, latency: u64, jitter: u64| LinkPlan {
        latency: Duration::from_micros(dice.between(10, latency)),
        jitter: Duration::from_micros(dice.between(0, jitter)),
        buffer: dice.pick(&buffers),
    };
    NetworkPlan {
        local: link(dice, 300, 200),
        far: link(dice, 20_000, 10_000),
        segments: dice.pick(&[Segments::Whole, Segments::Whole, Segments::Mtu, Segments::Tiny]),
    }
}

/// The first policy is a good one; what follows may be bad.
fn pushes(dice: &mut Dice, mood: Mood, servers: &[ServerPlan], lasts: Duration) -> Vec<Push> {
    let first = Push { at: Duration::ZERO, policy: policy(dice, mood, servers) };
    let mut pushes = vec![first];
    for _ in 0..dice.pick(&[0, 0, 1, 2, 5]) {
        let at = Duration::from_millis(dice.between(0, lasts.as_millis() as u64));
        let mut policy = policy(dice, mood, servers);
        if dice.percent(30) {
            policy.flaw =
                Some(dice.pick(&[Flaw::Garbage, Flaw::UnknownCluster, Flaw::TwiceTheEndpoint, Flaw::TooManyAttempts]));
        }
        pushes.push(Push { at, policy });
    }
    pushes.sort_by_key(|push| push.at);
    pushes
}
