//! The short form of `make sim`, and that a seed is all there is to a run.

use tulle_sim::scenario::Scenario;
use tulle_sim::{Facts, Mutation, Options, draw, named, play, rule_of, shrink};

/// A seed with the facts that every run holds.
fn drawn(seed: u64) -> Scenario {
    draw(seed, Facts::default())
}

#[test]
fn fifty_seeds_hold_every_invariant() {
    for seed in 0..50 {
        let violation = play(&drawn(seed), Options::default()).violation;
        assert_eq!(violation, None, "make sim SEED={seed}");
    }
}

#[test]
fn a_seed_replays_bit_for_bit() {
    for seed in 0..10 {
        let once = || play(&drawn(seed), Options::default()).trace.hash();
        assert_eq!(once(), once(), "seed {seed}");
    }
}

#[test]
fn streams_that_are_open_for_an_hour_end_well_and_are_asked_for_life() {
    let outcome = play(&named::hour(), Options::default());
    assert_eq!(outcome.violation, None);
    assert!(outcome.pings > 100, "{} PINGs", outcome.pings);
}

#[test]
fn streams_that_are_open_for_an_hour_outlive_the_policy_that_let_them_begin() {
    let outcome = play(&named::hour_of_changes(), Options::default());
    assert_eq!(outcome.violation, None);
    assert_eq!(outcome.executions, 4, "each call is executed once");
}

/// A seed that holds as it is is broken by the fault, and by one of `rules`.
fn is_found(mutation: Mutation, rules: &[&str]) {
    let options = Options { mutation, ..Options::default() };
    let holds = |seed: &u64| rule_of(&drawn(*seed), Options::default()).is_none();
    let found = (0..300).filter(holds).find_map(|seed| rule_of(&drawn(seed), options));
    assert!(found.is_some_and(|rule| rules.contains(&rule)), "{mutation:?}: {found:?}");
}

#[test]
fn planted_faults_are_found() {
    is_found(Mutation::PieceTwice, &["http2", "wire", "answered twice"]);
    is_found(Mutation::AnswerTwice, &["http2", "wire", "answered twice"]);
    is_found(Mutation::AnswerLost, &["lost", "deadline", "http2"]);
    is_found(Mutation::PieceLost, &["lost", "deadline", "http2", "wire"]);
    is_found(Mutation::Crossed, &["crossed"]);
    is_found(Mutation::LateClock, &["deadline"]);
    is_found(Mutation::WindowCheat, &["wire", "http2"]);
    is_found(Mutation::UnsafeRetry, &["executed twice"]);
    is_found(Mutation::DeafToClosing, &["leak", "lost", "status"]);
    is_found(Mutation::TakesBadSnapshot, &["snapshot"]);
    is_found(Mutation::KeepsOldSnapshot, &["routing", "authorization", "deadline", "attempts", "status"]);
    is_found(Mutation::BelievesServers, &["routing"]);
    is_found(Mutation::MistakesCallers, &["authorization", "status"]);
}

/// Each of the two rules is what a seed breaks that holds without the fault.
#[test]
fn a_sidecar_that_keeps_an_old_snapshot_sends_and_lets_in_what_it_may_not() {
    let options = Options { mutation: Mutation::KeepsOldSnapshot, ..Options::default() };
    for rule in ["routing", "authorization"] {
        let found = (0..600).find(|seed| rule_of(&drawn(*seed), options) == Some(rule));
        let seed = found.unwrap_or_else(|| panic!("no seed shows it by {rule}"));
        assert_eq!(rule_of(&drawn(seed), Options::default()), None, "seed {seed} holds without the fault");
    }
}

#[test]
fn a_panic_is_what_its_seed_breaks_with_its_words_its_place_and_its_trace() {
    let options = Options { mutation: Mutation::Panics, recording: true };
    let outcome = play(&drawn(0), options);
    let violation = outcome.violation.expect("a violation");
    assert_eq!(violation.rule, "panic");
    assert!(violation.words.contains("tamper.rs") && violation.words.ends_with("planted"), "{}", violation.words);
    assert!(!outcome.trace.lines().is_empty(), "its trace is kept");
    assert!(shrink(&drawn(0), options).calls.len() <= 1, "it is shrunk like any other");
}

#[test]
fn a_run_that_depends_on_more_than_its_seed_is_not_equal_to_itself() {
    let once =
        |seed| play(&drawn(seed), Options { mutation: Mutation::Unrepeatable, ..Options::default() }).trace.hash();
    assert!((0..10).any(|seed| once(seed) != once(seed)));
}
