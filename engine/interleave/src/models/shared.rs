//! What verbs, acceptor and workers share: no news is missed, no command lost, no count dropped, no place taken twice.

use crate::face::mio::Waker;
use crate::face::tulle_mesh::snapshot::Snapshot;
use crate::face::tulle_mesh::telemetry::Collector;
use crate::sync::Arc;
use loom::thread;
use std::time::Instant;

/// A worker that looks at the number once a turn, as `io/poll` does, has the last snapshot after its last look.
macro_rules! last_snapshot_wins {
    ($module:path) => {{
        use $module as shared;
        loom::model(|| {
            let published = Arc::new(shared::Published::default());
            let publisher = published.clone();
            let there = thread::spawn(move || {
                for revision in 1..=2 {
                    publisher.publish(Arc::new(Snapshot { revision }));
                }
            });
            let (mut generation, mut applied) = (0, 0);
            let mut look = || {
                let now = published.generation();
                if now != generation {
                    generation = now;
                    let revision = published.snapshot().map_or(0, |snapshot| snapshot.revision);
                    assert!(revision >= applied, "back from {applied} to {revision}");
                    applied = revision;
                }
                applied
            };
            look();
            look();
            there.join().expect("no panic");
            assert_eq!(look(), 2, "the last snapshot was missed");
        });
    }};
}

#[test]
fn a_worker_that_looks_once_a_turn_ends_with_the_last_snapshot() {
    last_snapshot_wins!(crate::io::shared);
}

#[test]
#[should_panic(expected = "the last snapshot was missed")]
fn a_number_that_changes_before_its_snapshot_is_found() {
    last_snapshot_wins!(crate::faulty::publish);
}

/// A worker that sleeps until it is woken takes every command.
macro_rules! no_command_is_lost {
    ($module:path) => {{
        use $module as shared;
        loom::model(|| {
            let waker = Waker::default();
            let handle = Arc::new(shared::WorkerHandle::new(waker.clone()));
            let sender = handle.clone();
            let there = thread::spawn(move || sender.send(shared::Command::Stop).is_ok());
            let mut taken = 0;
            while taken < 1 {
                waker.0.wait();
                taken += handle.take_commands().len();
            }
            assert!(there.join().expect("no panic"));
            assert!(handle.take_commands().is_empty());
        });
    }};
}

#[test]
fn a_sleeping_worker_takes_every_command() {
    no_command_is_lost!(crate::io::shared);
}

#[test]
#[should_panic(expected = "deadlock")]
fn a_wake_before_its_command_is_found() {
    no_command_is_lost!(crate::faulty::inbox);
}

/// Two who want the last place.
macro_rules! one_place {
    ($module:path) => {{
        use $module as shared;
        loom::model(|| {
            let places = Arc::new(shared::Descriptors::of(1));
            let other = places.clone();
            let there = thread::spawn(move || other.take(shared::Purpose::Connect));
            let here = places.take(shared::Purpose::Connect);
            assert!(here ^ there.join().expect("no panic"), "one place, one taker");
            places.give_back();
            assert!(places.take(shared::Purpose::Connect), "a place that was given back is free");
        });
    }};
}

#[test]
fn the_last_descriptor_is_taken_once() {
    one_place!(crate::io::shared);
}

#[test]
#[should_panic(expected = "one place, one taker")]
fn a_descriptor_that_is_checked_and_then_taken_is_found() {
    one_place!(crate::faulty::descriptors);
}

#[test]
fn a_drain_between_turns_counts_every_call_once() {
    loom::model(|| {
        let handle = Arc::new(crate::io::shared::WorkerHandle::new(Waker::default()));
        let worker = handle.clone();
        // A turn of the loop: the counts are swapped in, counted in, swapped out, all under the lock.
        let there = thread::spawn(move || {
            for _ in 0..2 {
                let mut own = crate::face::tulle_mesh::telemetry::WorkerTelemetry::new();
                let mut telemetry = worker.telemetry();
                std::mem::swap(&mut *telemetry, &mut own);
                own.calls += 1;
                std::mem::swap(&mut *telemetry, &mut own);
            }
        });
        let mut collector = Collector::new(0);
        handle.collect(&mut collector, Instant::now());
        there.join().expect("no panic");
        handle.collect(&mut collector, Instant::now());
        assert_eq!(collector.calls, 2);
    });
}
