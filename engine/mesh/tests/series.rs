//! Calls by series, and the bound on their number.

use std::time::Instant;
use tulle_mesh::proto::{CallSeries, Direction};
use tulle_mesh::reason::Reason;
use tulle_mesh::status::Code;
use tulle_mesh::telemetry::series::MAX_SERIES;
use tulle_mesh::telemetry::{CallSample, Collector, SeriesKey, WorkerTelemetry};

const SAMPLE: CallSample =
    CallSample { duration_us: 1500, request_bytes: 10, response_bytes: 20, retries: 1, without_deadline: true };

fn key<'a>(peer: &'a str, method: &'a str) -> SeriesKey<'a> {
    SeriesKey {
        direction: Direction::Outbound,
        peer,
        cluster: peer,
        method,
        status: Code::Ok,
        reason: None,
        mtls: true,
    }
}

fn exported(workers: &mut [WorkerTelemetry]) -> (Vec<CallSeries>, u64) {
    let (mut collector, now) = (Collector::new(1), Instant::now());
    workers.iter_mut().for_each(|worker| collector.absorb(worker, now));
    let telemetry = collector.export(None, 2, now);
    (telemetry.calls, telemetry.dropped_series)
}

#[test]
fn a_call_is_counted_with_all_its_sums() {
    let mut worker = WorkerTelemetry::new();
    let refused =
        SeriesKey { status: Code::Unavailable, reason: Some(Reason::Shed), mtls: false, ..key("s/a", "a.A/M") };
    worker.series.record(&refused, &SAMPLE);
    worker.series.record(&refused, &SAMPLE);
    let (calls, dropped) = exported(&mut [worker]);
    let [series] = &calls[..] else { panic!("one series, not {}", calls.len()) };
    assert_eq!((series.direction(), &*series.peer, &*series.method), (Direction::Outbound, "s/a", "a.A/M"));
    assert_eq!((series.grpc_status, &*series.reason, series.mtls), (14, "shed", false));
    assert_eq!((series.count, series.request_bytes, series.response_bytes, series.retries), (2, 20, 40, 2));
    assert_eq!(series.duration.as_ref().expect("durations").sum_us, 3000);
    assert_eq!(series.without_deadline, 2);
    assert_eq!(dropped, 0);
}

#[test]
fn each_part_of_the_key_tells_series_apart() {
    let mut worker = WorkerTelemetry::new();
    let base = key("s/a", "a.A/M");
    let keys = [
        base,
        SeriesKey { direction: Direction::Inbound, ..base },
        SeriesKey { peer: "s/b", ..base },
        SeriesKey { cluster: "s/b", ..base },
        SeriesKey { method: "a.A/N", ..base },
        SeriesKey { status: Code::Internal, ..base },
        SeriesKey { reason: Some(Reason::Denied), ..base },
        SeriesKey { mtls: false, ..base },
    ];
    for key in keys.iter().chain(&keys) {
        worker.series.record(key, &SAMPLE);
    }
    assert_eq!(worker.series.len(), 8);
    assert!(exported(&mut [worker]).0.iter().all(|series| series.count == 2));
}

#[test]
fn after_2000_series_new_ones_fall_together_as_other_and_are_counted() {
    let mut worker = WorkerTelemetry::new();
    for n in 0..MAX_SERIES + 100 {
        worker.series.record(&key(&format!("s/{n}"), "a.A/M"), &SAMPLE);
    }
    worker.series.record(&key("s/0", "a.A/M"), &SAMPLE);
    assert_eq!(worker.series.len(), MAX_SERIES + 1);
    let (calls, dropped) = exported(&mut [worker]);
    let other = calls.iter().find(|series| series.peer == "other").expect("the overflow");
    assert_eq!((other.count, &*other.method, &*other.cluster), (100, "other", ""));
    assert_eq!(dropped, 100);
    assert_eq!(calls.iter().map(|series| series.count).sum::<u64>(), MAX_SERIES as u64 + 101, "no call is lost");
}

#[test]
fn the_overflow_keeps_direction_and_status() {
    let mut worker = WorkerTelemetry::new();
    (0..MAX_SERIES).for_each(|n| worker.series.record(&key(&format!("s/{n}"), "a.A/M"), &SAMPLE));
    worker.series.record(&SeriesKey { status: Code::Internal, ..key("s/x", "a.A/M") }, &SAMPLE);
    worker.series.record(&SeriesKey { direction: Direction::Inbound, ..key("s/y", "a.A/M") }, &SAMPLE);
    assert_eq!(worker.series.len(), MAX_SERIES + 2);
}

#[test]
fn the_bound_holds_for_the_proxy_not_for_each_worker() {
    let mut workers = [WorkerTelemetry::new(), WorkerTelemetry::new()];
    for n in 0..MAX_SERIES {
        workers[0].series.record(&key(&format!("a/{n}"), "a.A/M"), &SAMPLE);
        workers[1].series.record(&key(&format!("b/{n}"), "a.A/M"), &SAMPLE);
    }
    let (calls, dropped) = exported(&mut workers);
    assert_eq!((calls.len(), dropped), (MAX_SERIES + 1, MAX_SERIES as u64));
}
