//! What the proxy did by itself, on its way to the operator.

use crate::support::*;
use std::time::{Duration, Instant};
use tulle_mesh::method::MethodLabel;
use tulle_mesh::outcome::Outcome;
use tulle_mesh::proto::{EngineEvent, EngineEvents, EventKind};
use tulle_mesh::snapshot::Snapshot;
use tulle_mesh::telemetry::events::{MAX_EVENTS, MAX_TEXT};
use tulle_mesh::telemetry::{Collector, WorkerTelemetry};

const START: u64 = 1_000_000_000_000;
const MILLI: u64 = 1_000_000;

fn text(text: &str) -> EngineEvent {
    EngineEvent { text: text.into(), ..Default::default() }
}

fn tell(worker: &mut WorkerTelemetry, at_ms: u64, reason: &'static str) {
    worker.events.tell(START + at_ms * MILLI, EventKind::CallEnded, reason, || text("why"));
}

fn collected<'w>(workers: impl IntoIterator<Item = &'w mut WorkerTelemetry>) -> EngineEvents {
    let mut collector = Collector::new(1);
    workers.into_iter().for_each(|worker| collector.absorb(worker, Instant::now()));
    collector.take_events(None, START, Instant::now())
}

fn left_out(events: &EngineEvents) -> Vec<(&str, u64)> {
    events.left_out.iter().map(|left_out| (&*left_out.reason, left_out.count)).collect()
}

#[test]
fn an_event_is_handed_over_once_with_its_time_and_reason() {
    let (mut collector, mut worker, now) = (Collector::new(1), WorkerTelemetry::new(), Instant::now());
    tell(&mut worker, 5, "denied");
    collector.absorb(&mut worker, now);
    let events = collector.take_events(None, START, now);
    let [event] = &events.events[..] else { panic!("one event: {events:?}") };
    assert_eq!((event.time_unix_nano, &*event.reason, &*event.text), (START + 5 * MILLI, "denied", "why"));
    assert_eq!(event.kind(), EventKind::CallEnded);
    assert_eq!(collector.take_events(None, START, now), EngineEvents::default());
}

#[test]
fn a_flood_of_one_reason_is_ten_events_a_second_and_a_count_and_hides_no_other() {
    let mut worker = WorkerTelemetry::new();
    (0..500).for_each(|nth| tell(&mut worker, 900 + nth, "denied"));
    tell(&mut worker, 1_400, "deadline");
    let events = collected([&mut worker]);
    let of = |reason: &str| events.events.iter().filter(|event| event.reason == reason).count();
    assert_eq!((of("denied"), of("deadline")), (10, 1));
    assert_eq!(left_out(&events), [("denied", 490)]);
}

#[test]
fn a_second_later_ten_more_are_told() {
    let mut worker = WorkerTelemetry::new();
    for at_ms in [0, 999, 1_000] {
        (0..20).for_each(|_| tell(&mut worker, at_ms, "denied"));
    }
    let events = collected([&mut worker]);
    assert_eq!((events.events.len(), left_out(&events)), (20, vec![("denied", 40)]));
}

#[test]
fn what_is_not_told_is_not_made() {
    let (mut worker, mut made) = (WorkerTelemetry::new(), 0);
    for _ in 0..50 {
        worker.events.tell(START, EventKind::Limit, "frame_rate", || {
            made += 1;
            text("why")
        });
    }
    assert_eq!(made, 10);
}

#[test]
fn workers_do_not_add_up_to_more_and_their_events_stand_by_time() {
    let mut workers = [WorkerTelemetry::new(), WorkerTelemetry::new()];
    (0..8).for_each(|nth| tell(&mut workers[0], 10 + nth, "denied"));
    (0..30).for_each(|nth| tell(&mut workers[1], nth, "denied"));
    let events = collected(&mut workers);
    let times: Vec<_> = events.events.iter().map(|event| event.time_unix_nano).collect();
    assert!(times.is_sorted(), "{times:?}");
    assert_eq!((times.len(), left_out(&events)), (10, vec![("denied", 28)]));
}

#[test]
fn the_pace_holds_from_drain_to_drain() {
    let (mut collector, mut told) = (Collector::new(1), 0);
    for _ in 0..5 {
        // As the drain's exchange does it, where the worker has another table each time.
        let mut worker = WorkerTelemetry::new();
        (0..10).for_each(|_| tell(&mut worker, 0, "denied"));
        collector.absorb(&mut worker, Instant::now());
        told += collector.take_events(None, START, Instant::now()).events.len();
    }
    assert_eq!(told, 10);
}

#[test]
fn events_that_nobody_drains_are_bounded_and_counted() {
    let (mut collector, mut worker) = (Collector::new(1), WorkerTelemetry::new());
    for second in 0..100 {
        (0..10).for_each(|_| tell(&mut worker, second * 1_000, "denied"));
    }
    collector.absorb(&mut worker, Instant::now());
    tell(&mut worker, 200_000, "deadline");
    collector.absorb(&mut worker, Instant::now());
    let events = collector.take_events(None, START, Instant::now());
    assert_eq!(events.events.len(), MAX_EVENTS);
    assert_eq!(left_out(&events), [("deadline", 1), ("denied", 1_000 - MAX_EVENTS as u64)]);
}

#[test]
fn long_texts_are_cut_between_letters() {
    let mut worker = WorkerTelemetry::new();
    let long = format!("x{}", "ö".repeat(MAX_TEXT));
    worker.events.tell(START, EventKind::Limit, "header_limit", || EngineEvent { method: long.clone(), ..text(&long) });
    let events = collected([&mut worker]);
    let cut = &long[..MAX_TEXT - 1];
    assert_eq!((&*events.events[0].text, &*events.events[0].method), (cut, cut));
}

#[test]
fn an_endpoint_that_is_ejected_and_one_that_is_back_are_each_told_once() {
    let (snapshot, cells) = cells(2);
    let (mut collector, start) = (Collector::new(1), Instant::now());
    assert!(fates(&mut collector, &snapshot, start).is_empty());
    end(&cells[1], 7, &Outcome::connect_failed(), start);
    let told = fates(&mut collector, &snapshot, start);
    let [(EventKind::EndpointEjected, ejected)] = &told[..] else { panic!("one ejection: {told:?}") };
    assert!(ejected.contains("shop/payments-1") && ejected.contains("7 times in a row"), "{ejected}");
    assert!(fates(&mut collector, &snapshot, start).is_empty());
    let later = start + Duration::from_secs(60);
    let probe = payments_cluster(&snapshot).take(&[], later, &mut random()).expect("a probe");
    probe.cell.begin(later);
    probe.cell.answered(probe.ticket);
    let told = fates(&mut collector, &snapshot, later);
    assert!(matches!(&told[..], [(EventKind::EndpointReturned, text)] if text.contains("shop/payments-1")), "{told:?}");
    assert!(fates(&mut collector, &snapshot, later).is_empty());
}

fn end(cell: &tulle_mesh::balance::EndpointCell, times: usize, outcome: &Outcome, now: Instant) {
    for _ in 0..times {
        cell.begin(now);
        cell.settle(cell.ticket(), now, ms(1), outcome, MethodLabel::OTHER);
    }
}

fn fates(collector: &mut Collector, snapshot: &Snapshot, now: Instant) -> Vec<(EventKind, String)> {
    let events = collector.take_events(Some(snapshot), START, now).events;
    events.into_iter().map(|event| (event.kind(), event.text)).collect()
}
