//! The short form of `make sim`, and that a seed is all there is to a run.

use tulle_sim::{Mutation, Options, draw, named, play, rule_of};

#[test]
fn fifty_seeds_hold_every_invariant() {
    for seed in 0..50 {
        let violation = play(&draw(seed), Options::default()).violation;
        assert_eq!(violation, None, "make sim SEED={seed}");
    }
}

#[test]
fn a_seed_replays_bit_for_bit() {
    for seed in 0..10 {
        let once = || play(&draw(seed), Options::default()).trace.hash();
        assert_eq!(once(), once(), "seed {seed}");
    }
}

#[test]
fn streams_that_are_open_for_an_hour_end_well_and_are_asked_for_life() {
    let outcome = play(&named::hour(), Options::default());
    assert_eq!(outcome.violation, None);
    assert!(outcome.pings > 100, "{} PINGs", outcome.pings);
}

/// A seed that holds as it is is broken by the fault, and by one of `rules`.
fn is_found(mutation: Mutation, rules: &[&str]) {
    let options = Options { mutation, ..Options::default() };
    let holds = |seed: &u64| rule_of(&draw(*seed), Options::default()).is_none();
    let found = (0..300).filter(holds).find_map(|seed| rule_of(&draw(seed), options));
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
}
