//! Facts about real peers, real machines and the engine's own loop that runs can be taught, one by one.
//!
//! A fact changes what is drawn (its file below), what the judge holds, or both. One that the engine does not stand yet is
//! off: `sim --facts NAME` turns it on for a run, and [`ON`] is where it is turned on for good.

mod age;
mod cancels;
mod claims;
mod early_ends;
mod estimates;
mod half;
mod pauses;
mod pings;
mod plain;
mod quiet;
mod reuse;
mod slow_stop;
mod stand_still;

use crate::chance::Dice;
use crate::scenario::Scenario;
use std::fmt;
use std::str::FromStr;

/// Facts that every run holds: the one place where a fact is turned on. It belongs here as soon as
/// `sim --facts NAME --seeds 1000` finds nothing. `Half` does not yet: a call that keeps an old snapshot with two endpoints
/// may eject what is the only one by now (seeds 890, 947); nobody is refused for it, since the next pick takes it all the
/// same, but it is shown as out.
const ON: [Fact; 11] = [
    Fact::Quiet,
    Fact::Pings,
    Fact::Age,
    Fact::EarlyEnds,
    Fact::Estimates,
    Fact::Reuse,
    Fact::StandStill,
    Fact::SlowStop,
    Fact::Claims,
    Fact::Cancels,
    Fact::Pauses,
];

/// What runs can be taught.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// Calls may be silent for longer than a minute, unary ones too, and nothing ends them that nobody asked for.
    Quiet,
    /// Servers end connections whose client pings too often.
    Pings,
    /// Servers end connections by their age.
    Age,
    /// Servers reset the stream behind a complete answer.
    EarlyEnds,
    /// Clients and servers ping many times a second while data comes.
    Estimates,
    /// A sidecar's turns take their time, and connections end and begin in the same one.
    Reuse,
    /// A sidecar's whole process stands still for ten seconds.
    StandStill,
    /// A sidecar stops while somebody reads slowly.
    SlowStop,
    /// Applications speak as sidecars do, and an UNAVAILABLE of theirs proves nothing.
    Claims,
    /// Applications fail often; no more than half of a service is ever out.
    Half,
    /// A caller cancels hundreds of calls a second, and every cancel arrives soon.
    Cancels,
    /// A server pauses while thousands of calls a second come.
    Pauses,
}

/// Some of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts(u32);

/// Makes a whole scenario for a fact.
type Kind = fn(&mut Dice, u64) -> Scenario;

/// Changes any scenario by a fact.
type Lesson = fn(&mut Dice, &mut Scenario);

// === impl Fact ===

impl Fact {
    /// Every fact, by its name on the command line.
    pub const NAMED: [(&'static str, Self); 12] = [
        ("quiet", Self::Quiet),
        ("pings", Self::Pings),
        ("age", Self::Age),
        ("early-ends", Self::EarlyEnds),
        ("estimates", Self::Estimates),
        ("reuse", Self::Reuse),
        ("stand-still", Self::StandStill),
        ("slow-stop", Self::SlowStop),
        ("claims", Self::Claims),
        ("half", Self::Half),
        ("cancels", Self::Cancels),
        ("pauses", Self::Pauses),
    ];

    /// Scenarios of its own, for what an ordinary one hardly ever meets.
    fn kind(self) -> Option<Kind> {
        match self {
            Self::Quiet => Some(quiet::draw),
            Self::Reuse => Some(reuse::draw),
            Self::StandStill => Some(stand_still::draw),
            Self::SlowStop => Some(slow_stop::draw),
            Self::Half => Some(half::draw),
            Self::Cancels => Some(cancels::draw),
            Self::Pauses => Some(pauses::draw),
            _ => None,
        }
    }

    /// What it changes in every scenario.
    fn lesson(self) -> Option<Lesson> {
        match self {
            Self::Pings => Some(pings::teach),
            Self::Age => Some(age::teach),
            Self::EarlyEnds => Some(early_ends::teach),
            Self::Estimates => Some(estimates::teach),
            Self::Reuse => Some(reuse::teach),
            Self::Claims => Some(claims::teach),
            _ => None,
        }
    }
}

// === impl Facts ===

impl Facts {
    /// None.
    pub const NONE: Self = Self(0);

    /// These and no others.
    #[must_use]
    pub fn of(facts: &[Fact]) -> Self {
        Self(facts.iter().fold(0, |all, fact| all | 1 << *fact as u32))
    }

    /// Whether the fact is one of them.
    #[must_use]
    pub fn has(self, fact: Fact) -> bool {
        self.0 & 1 << fact as u32 != 0
    }

    fn each(self) -> impl Iterator<Item = Fact> {
        Fact::NAMED.into_iter().map(|(_, fact)| fact).filter(move |fact| self.has(*fact))
    }
}

impl Default for Facts {
    fn default() -> Self {
        Self::of(&ON)
    }
}

impl fmt::Display for Facts {
    /// The names as [`Facts::from_str`] reads them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = Fact::NAMED.iter().filter(|(_, fact)| self.has(*fact)).map(|(name, _)| *name);
        f.write_str(&named.collect::<Vec<_>>().join(","))
    }
}

impl FromStr for Facts {
    type Err = String;

    /// Names with commas between them, or `all`.
    fn from_str(words: &str) -> Result<Self, String> {
        let names: Vec<&str> = words.split(',').collect();
        let named = |name: &str| Fact::NAMED.iter().find(|(known, _)| *known == name).map(|(_, fact)| *fact);
        match names.iter().find(|name| **name != "all" && named(name).is_none()) {
            Some(unknown) => Err(format!("{unknown} is no fact; the facts are all, {}", known().join(", "))),
            None if names.contains(&"all") => Ok(Self::of(&Fact::NAMED.map(|(_, fact)| fact))),
            None => Ok(Self::of(&names.into_iter().filter_map(named).collect::<Vec<_>>())),
        }
    }
}

fn known() -> [&'static str; Fact::NAMED.len()] {
    Fact::NAMED.map(|(name, _)| name)
}

/// Half of the seeds, where any fact that is on has scenarios of its own, are such scenarios.
pub(crate) fn kind(seed: u64, facts: Facts) -> Option<Scenario> {
    let kinds: Vec<Kind> = facts.each().filter_map(Fact::kind).collect();
    let mut dice = Dice::new(seed, 4);
    if kinds.is_empty() || dice.percent(50) {
        return None;
    }
    let kind = dice.pick(&kinds);
    Some(kind(&mut dice, seed))
}

/// What the facts that are on change in a scenario, be it ordinary or a fact's own.
pub(crate) fn teach(scenario: &mut Scenario) {
    for fact in scenario.facts.each() {
        if let Some(lesson) = fact.lesson() {
            lesson(&mut Dice::new(scenario.seed, 100 + fact as u64), scenario);
        }
    }
}
