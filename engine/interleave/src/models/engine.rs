//! The engine's verbs, which the agent may call from any thread: none waits for another for ever, the last one counts.

use crate::engine::Engine;
use crate::face::running::IN_FORCE;
use crate::face::tulle_mesh::proto::EngineConfig;
use crate::sync::Arc;
use loom::thread;
use std::time::Duration;

const BAD: &[u8] = b"";

fn engine() -> Arc<Engine> {
    Arc::new(Engine::new(EngineConfig).expect("a good config"))
}

#[test]
fn snapshots_before_and_during_the_start_are_in_force_after_it() {
    super::explore(3, || {
        let engine = engine();
        let other = engine.clone();
        let there = thread::spawn(move || other.apply(&[7]).is_ok());
        engine.start().expect("a first start");
        assert!(there.join().expect("no panic"));
        assert_eq!((engine.describe().as_str(), IN_FORCE.with(std::cell::Cell::get)), ("7", 7));
    });
}

#[test]
fn a_shutdown_waits_for_the_one_that_is_under_way() {
    super::explore(3, || {
        let engine = engine();
        engine.start().expect("a first start");
        let other = engine.clone();
        let there = thread::spawn(move || other.shutdown(Duration::ZERO));
        let (telemetry, _) = engine.drain_telemetry(true);
        assert!(engine.shutdown(Duration::ZERO) && there.join().expect("no panic"));
        assert_eq!(telemetry, [0]);
    });
}

#[test]
fn telemetry_is_drained_while_a_snapshot_is_refused() {
    super::explore(3, || {
        let engine = engine();
        engine.start().expect("a first start");
        let other = engine.clone();
        let there = thread::spawn(move || other.apply(BAD).is_err());
        assert_eq!(engine.drain_telemetry(true).0, [0]);
        assert!(there.join().expect("no panic"));
    });
}

#[test]
fn start_a_refusal_and_a_drain_do_not_wait_for_one_another() {
    super::explore(3, || {
        let engine = engine();
        let (one, two) = (engine.clone(), engine.clone());
        let refused = thread::spawn(move || one.apply(BAD).is_err());
        let drained = thread::spawn(move || two.drain_telemetry(true));
        engine.start().expect("a first start");
        assert!(refused.join().expect("no panic"));
        drained.join().expect("no panic");
    });
}

#[test]
fn of_two_snapshots_the_one_that_is_described_is_in_force() {
    super::explore(3, || {
        let engine = engine();
        engine.start().expect("a first start");
        let other = engine.clone();
        let there = thread::spawn(move || other.apply(&[1]).is_ok());
        assert!(engine.apply(&[2]).is_ok() && there.join().expect("no panic"));
        assert_eq!(engine.describe(), IN_FORCE.with(std::cell::Cell::get).to_string());
    });
}
