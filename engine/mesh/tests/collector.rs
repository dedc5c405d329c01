//! All workers' counts as one message.

use crate::support::*;
use std::time::{Duration, Instant};
use tulle_mesh::method::MethodLabel;
use tulle_mesh::outcome::Outcome;
use tulle_mesh::proto::{self, BreakerState, Direction};
use tulle_mesh::resilience::breaker::Limit;
use tulle_mesh::status::Code;
use tulle_mesh::telemetry::counters::EJECTIONS_SPARED;
use tulle_mesh::telemetry::series::IDLE_EXPIRY;
use tulle_mesh::telemetry::{CallSample, Collector, CounterName, SeriesKey, WorkerTelemetry};

const SAMPLE: CallSample =
    CallSample { duration_us: 1500, request_bytes: 1, response_bytes: 1, retries: 0, without_deadline: false };
const KEY: SeriesKey<'static> = SeriesKey {
    direction: Direction::Inbound,
    peer: "spiffe://shop.local/shop/orders",
    cluster: "",
    method: "a.A/M",
    status: Code::Ok,
    reason: None,
    mtls: true,
};

#[test]
fn workers_are_added_up_and_sums_grow_from_drain_to_drain() {
    let (mut collector, now) = (Collector::new(7), Instant::now());
    let mut workers = [WorkerTelemetry::new(), WorkerTelemetry::new()];
    for drain in 1..=3 {
        for worker in &mut workers {
            worker.series.record(&KEY, &SAMPLE);
            worker.counters.add(CounterName::RetriesSkipped, "budget", 2);
            collector.absorb(worker, now);
        }
        let telemetry = collector.export(None, 100 + drain, now);
        assert_eq!(telemetry.calls[0].count, 2 * drain);
        assert_eq!(telemetry.calls[0].duration.as_ref().expect("durations").count, [2 * drain]);
        let skipped = proto::Counter { name: "tulle.retries.skipped".into(), label: "budget".into(), value: 4 * drain };
        let panics = proto::Counter { name: "tulle.engine.panics".into(), ..Default::default() };
        assert_eq!(telemetry.counters, [panics, skipped]);
        assert_eq!((telemetry.start_unix_nano, telemetry.time_unix_nano), (7, 100 + drain));
    }
}

#[test]
fn spans_are_handed_over_once() {
    let (mut collector, mut worker, now) = (Collector::new(1), WorkerTelemetry::new(), Instant::now());
    worker.spans.push(|| span(1));
    collector.absorb(&mut worker, now);
    assert_eq!((collector.export(None, 2, now).spans.len(), collector.spans()), (0, 1));
    assert_eq!((collector.take_spans().len(), collector.spans()), (1, 0));
}

#[test]
fn spans_that_nobody_drains_are_bounded_and_counted() {
    let (mut collector, mut worker, now) = (Collector::new(1), WorkerTelemetry::new(), Instant::now());
    for _ in 0..5 {
        (0..5000).for_each(|_| worker.spans.push(|| span(1)));
        collector.absorb(&mut worker, now);
    }
    let telemetry = collector.export(None, 2, now);
    assert_eq!((collector.spans(), telemetry.dropped_spans), (512, 25_000 - 512));
}

#[test]
fn a_series_is_forgotten_after_10_idle_minutes_and_not_before() {
    let (mut collector, mut worker, start) = (Collector::new(1), WorkerTelemetry::new(), Instant::now());
    let drain = |collector: &mut Collector, worker: &mut WorkerTelemetry, now| {
        collector.absorb(worker, now);
        collector.export(None, 2, now).calls.len()
    };
    worker.series.record(&KEY, &SAMPLE);
    assert_eq!(drain(&mut collector, &mut worker, start), 1);
    let almost = start + IDLE_EXPIRY - Duration::from_secs(1);
    assert_eq!(drain(&mut collector, &mut worker, almost), 1);
    worker.series.record(&KEY, &SAMPLE);
    assert_eq!(drain(&mut collector, &mut worker, almost), 1);
    assert_eq!(drain(&mut collector, &mut worker, almost + IDLE_EXPIRY - Duration::from_secs(1)), 1);
    assert_eq!(drain(&mut collector, &mut worker, almost + IDLE_EXPIRY), 0);
    assert_eq!(worker.series.len(), 0);
    worker.series.record(&KEY, &SAMPLE);
    assert_eq!(drain(&mut collector, &mut worker, almost + IDLE_EXPIRY), 1, "it may come back");
}

#[test]
fn a_series_that_comes_back_begins_at_0_under_a_later_start() {
    let (mut collector, mut worker, start) = (Collector::new(7), WorkerTelemetry::new(), Instant::now());
    let mut told = |now: Instant, unix_nano, calls| {
        (0..calls).for_each(|_| worker.series.record(&KEY, &SAMPLE));
        collector.absorb(&mut worker, now);
        let calls = collector.export(None, unix_nano, now).calls;
        calls.first().map(|series| (series.start_unix_nano, series.count))
    };
    assert_eq!(told(start, 100, 1), Some((7, 1)), "from the process's own start");
    assert_eq!(told(start + Duration::from_secs(1), 200, 1), Some((7, 2)));
    assert_eq!(told(start + IDLE_EXPIRY, 300, 0), Some((7, 2)));
    assert_eq!(told(start + Duration::from_secs(1) + IDLE_EXPIRY * 2, 400, 0), None);
    let later = start + IDLE_EXPIRY * 3;
    assert_eq!(told(later, 500, 1), Some((400, 1)), "all that it counts came after the last reading");
    assert_eq!(told(later, 600, 1), Some((400, 2)));
}

#[test]
fn an_endpoint_that_is_used_although_it_fails_is_counted_by_service() {
    let mut wire = mesh();
    wire.clusters[0].endpoints.truncate(1);
    let snapshot = snapshot(&wire);
    let (cell, now) = (&payments_cluster(&snapshot).endpoints()[0], Instant::now());
    for _ in 0..14 {
        cell.begin(now);
        cell.settle(cell.ticket(), now, ms(1), &Outcome::connect_failed(), MethodLabel::OTHER);
    }
    let telemetry = Collector::new(1).export(Some(&snapshot), 2, now);
    let spared = proto::Counter { name: "tulle.ejections.spared".into(), label: "shop/payments".into(), value: 2 };
    assert!(telemetry.counters.contains(&spared), "{:?}", telemetry.counters);
}

#[test]
fn an_endpoint_is_told_with_its_state() {
    let (snapshot, cells) = cells(2);
    let now = Instant::now();
    cells[0].connection_opened();
    cells[0].begin(now);
    for _ in 0..7 {
        cells[1].begin(now);
        cells[1].settle(cells[1].ticket(), now, ms(3), &Outcome::connect_failed(), MethodLabel::OTHER);
    }
    let telemetry = Collector::new(1).export(Some(&snapshot), 2, now);
    assert_eq!(telemetry.snapshot_revision, 12);
    let [well, broken] = &telemetry.endpoints[..] else { panic!("two endpoints") };
    assert_eq!(
        (&*well.service, &*well.cluster, &*well.endpoint),
        ("shop/payments", "shop/payments", "shop/payments-0")
    );
    assert_eq!((well.state(), well.in_flight, well.connections, well.ewma_us), (BreakerState::Closed, 1, 1, 30_000));
    assert_eq!(well.address, "127.0.0.1:9000");
    assert_eq!((broken.state(), broken.consecutive_failures, broken.ejections), (BreakerState::Open, 7, 1));
    assert_eq!((broken.successes, broken.failures), (0, 7));
    let remaining = broken.open_remaining.as_ref().expect("a time");
    assert!(remaining.seconds <= 1 && (remaining.seconds, remaining.nanos) > (0, 0));
}

#[test]
fn an_endpoint_of_several_clusters_is_told_once_under_the_whole() {
    let mut wire = mesh();
    wire.clusters.insert(0, proto::Cluster { name: "shop/payments#v1".into(), ..wire.clusters[0].clone() });
    let telemetry = Collector::new(1).export(Some(&snapshot(&wire)), 2, Instant::now());
    assert_eq!(telemetry.endpoints.len(), 3);
    assert!(telemetry.endpoints.iter().all(|endpoint| endpoint.cluster == "shop/payments"));
}

#[test]
fn a_service_is_told_with_its_limits_state_and_so_is_the_own_one() {
    let mut wire = mesh();
    let breaker = proto::CircuitBreaker { max_connections: 9, max_pending: 9, max_requests: 1, max_retries: 3 };
    wire.services[0].circuit_breaker = Some(breaker);
    let snapshot = snapshot(&wire);
    payments(&snapshot).breaker.acquire(Limit::Requests).expect("under the limit");
    payments(&snapshot).breaker.acquire(Limit::Requests).expect_err("at the limit");
    let telemetry = Collector::new(1).export(Some(&snapshot), 2, Instant::now());
    let [upstream, own] = &telemetry.services[..] else { panic!("two services") };
    assert_eq!((&*upstream.service, upstream.state(), upstream.requests), ("shop/payments", BreakerState::Open, 1));
    assert_eq!(upstream.refused.as_ref().expect("refusals").requests, 1);
    assert_eq!((&*own.service, own.state()), ("shop/orders", BreakerState::Closed));
}

#[test]
fn counters_carry_the_names_of_the_shared_table() {
    let table = include_str!("../../../protos/names.py");
    for name in [
        CounterName::ConnectionsAccepted,
        CounterName::ConnectionsClosed,
        CounterName::ConnectionsRefused,
        CounterName::RetriesSkipped,
        CounterName::ProtocolErrors,
        CounterName::StreamErrors,
        CounterName::LimitsExceeded,
        CounterName::InformationalDropped,
        CounterName::SnapshotsApplied,
        CounterName::SnapshotsRefused,
        CounterName::BrokenByMesh,
        CounterName::Panics,
        CounterName::Impossible,
    ] {
        assert!(table.contains(&format!("\"{}\"", name.as_str())), "{name:?}");
    }
    assert!(table.contains(&format!("\"{EJECTIONS_SPARED}\"")));
    for reason in tulle_mesh::reason::REASONS {
        assert!(table.contains(&format!("\"{reason}\"")), "{reason}");
    }
}
