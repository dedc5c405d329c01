//! That the judge sees each fact: a fault planted in the mesh breaks a run of the fact that holds without it.

use tulle_sim::{Fact, Facts, Mutation, Options, draw, rule_of};

/// A seed of the fact that holds as it is is broken by the fault, and by one of `rules`.
fn is_found(fact: Fact, mutation: Mutation, rules: &[&str]) {
    let options = Options { mutation, ..Options::default() };
    let drawn = |seed: u64| draw(seed, Facts::of(&[fact]));
    let holds = |seed: &u64| rule_of(&drawn(*seed), Options::default()).is_none();
    let broken = (0..150).filter(holds).find_map(|seed| rule_of(&drawn(seed), options));
    assert!(broken.is_some_and(|rule| rules.contains(&rule)), "{mutation:?}: {broken:?}");
}

#[test]
fn a_mesh_that_takes_silence_for_death_is_found() {
    is_found(Fact::Quiet, Mutation::Impatient, &["status"]);
}

#[test]
fn a_mesh_that_pings_applications_is_found() {
    is_found(Fact::Pings, Mutation::PingsApplications, &["pings"]);
}

#[test]
fn a_mesh_that_calls_a_server_after_its_goodbye_is_found() {
    is_found(Fact::Age, Mutation::DeafToGoodbyes, &["status", "lost", "deadline"]);
}

#[test]
fn a_mesh_that_takes_an_answer_back_for_the_reset_behind_it_is_found() {
    is_found(Fact::EarlyEnds, Mutation::ForgetsAnswers, &["status"]);
}

#[test]
fn a_mesh_that_punishes_bandwidth_estimates_is_found() {
    is_found(Fact::Estimates, Mutation::HatesPings, &["wire"]);
}

#[test]
fn a_loop_that_gives_a_key_out_before_it_has_closed_it_is_found() {
    is_found(Fact::Reuse, Mutation::ClosesLate, &["reuse"]);
}

#[test]
fn a_mesh_that_gives_up_a_peer_whose_bytes_it_has_not_read_is_found() {
    is_found(Fact::StandStill, Mutation::ReadsNothing, &["alive"]);
}

#[test]
fn a_stop_that_cuts_what_was_accepted_is_found() {
    is_found(Fact::SlowStop, Mutation::CutsStops, &["broken"]);
}

#[test]
fn a_mesh_that_lets_an_application_speak_for_it_is_found() {
    is_found(Fact::Claims, Mutation::BelievesClaims, &["status"]);
}

#[test]
fn a_mesh_that_keeps_cancels_to_itself_is_found() {
    is_found(Fact::Cancels, Mutation::KeepsResets, &["cancel"]);
}

#[test]
fn a_mesh_that_accuses_a_server_which_paused_is_found() {
    is_found(Fact::Pauses, Mutation::HatesPauses, &["wire"]);
}

#[test]
fn facts_are_named_one_by_one_or_all_at_once_and_others_are_refused_by_name() {
    assert_eq!("quiet".parse(), Ok(Facts::of(&[Fact::Quiet])));
    let all: Facts = "all".parse().expect("all of them");
    assert!(Fact::NAMED.iter().all(|(_, fact)| all.has(*fact)));
    assert_eq!(all.to_string().parse(), Ok(all));
    let refused = "quiet,loud".parse::<Facts>().expect_err("no such fact");
    assert!(refused.starts_with("loud is no fact; the facts are all, "), "{refused}");
}
