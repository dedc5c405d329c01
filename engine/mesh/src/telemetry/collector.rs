//! All workers' counts as one: what the agent drains.

use super::WorkerTelemetry;
use super::counters::{CounterName, Counters, EJECTIONS_SPARED};
use super::events::AllEvents;
use super::fates::Fates;
use super::series::{Entry, SeriesTable};
use super::span::MAX_SPANS;
use crate::balance::{Cluster, EndpointCell};
use crate::proto;
use crate::resilience::accrual::EndpointState;
use crate::resilience::breaker::{Limit, ServiceBreaker, ServiceState};
use crate::snapshot::Snapshot;
use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

/// Cumulative sums over all workers since start. Series are bounded once more here, so that a proxy, not a worker, has
/// 2,000.
#[derive(Debug)]
pub struct Collector {
    start_unix_nano: u64,
    series: SeriesTable,
    counters: Counters,
    spans: Vec<proto::Span>,
    dropped_spans: u64,
    events: AllEvents,
    fates: Fates,
}

impl Collector {
    /// Nothing collected yet; sums count from `start_unix_nano`.
    #[must_use]
    pub fn new(start_unix_nano: u64) -> Self {
        let mut counters = Counters::new();
        // Told from the start: a watch on its growth misses a first one that comes out of nothing.
        counters.add(CounterName::Panics, "", 0);
        let mut series = SeriesTable::new();
        series.begin_at(start_unix_nano);
        Self {
            start_unix_nano,
            series,
            counters,
            spans: Vec::new(),
            dropped_spans: 0,
            events: AllEvents::default(),
            fates: Fates::default(),
        }
    }

    /// Takes over all that a worker counted since the last time and leaves it at 0.
    pub fn absorb(&mut self, worker: &mut WorkerTelemetry, now: Instant) {
        worker.series.drain_into(&mut self.series, now);
        self.counters.absorb(&mut worker.counters);
        let (spans, dropped) = worker.spans.take();
        let places = MAX_SPANS - self.spans.len().min(MAX_SPANS);
        self.dropped_spans += dropped + spans.len().saturating_sub(places) as u64;
        self.spans.extend(spans.into_iter().take(places).map(proto::Span::from));
        self.events.absorb(&mut worker.events);
    }

    /// Counters of what happens outside the workers.
    pub fn counters(&mut self) -> &mut Counters {
        &mut self.counters
    }

    /// The spans so far, which are handed over once: the next [`Collector::export`]'s to tell, or nobody's.
    pub fn take_spans(&mut self) -> Vec<proto::Span> {
        std::mem::take(&mut self.spans)
    }

    /// A snapshot came into force.
    pub fn tell_applied(&mut self, at_unix_nano: u64, snapshot: &Snapshot) {
        let endpoints: usize = snapshot.clusters().map(|cluster| cluster.endpoints().len()).sum();
        let (revision, services) = (snapshot.revision(), snapshot.services().len());
        let text = format!("revision {revision}, services: {services}, endpoints: {endpoints}");
        let told = proto::EngineEvent { text, ..proto::EngineEvent::default() };
        self.events.tell(at_unix_nano, proto::EventKind::SnapshotApplied, "applied", told);
    }

    /// What happened since the last time, each event once, with what became of `snapshot`'s endpoints.
    pub fn take_events(
        &mut self,
        snapshot: Option<&Snapshot>,
        time_unix_nano: u64,
        now: Instant,
    ) -> proto::EngineEvents {
        for change in snapshot.map(|snapshot| self.fates.look(snapshot, now)).unwrap_or_default() {
            self.events.tell(time_unix_nano, change.kind, change.reason, change.told);
        }
        self.events.take()
    }

    /// How many spans wait.
    #[must_use]
    pub fn spans(&self) -> usize {
        self.spans.len()
    }

    /// The message for the agent, without spans: all sums, the state of `snapshot`'s endpoints and services.
    pub fn export(&mut self, snapshot: Option<&Snapshot>, time_unix_nano: u64, now: Instant) -> proto::Telemetry {
        self.series.expire(now);
        let mut counters: Vec<_> =
            self.counters.iter().map(|(name, label, value)| counter(name.as_str(), label, value)).collect();
        counters.extend(snapshot.into_iter().flat_map(spared));
        let telemetry = proto::Telemetry {
            start_unix_nano: self.start_unix_nano,
            time_unix_nano,
            calls: self.series.iter().map(call_series).collect(),
            endpoints: snapshot.map(|s| endpoint_series(s, now)).unwrap_or_default(),
            services: snapshot.map(service_series).unwrap_or_default(),
            counters,
            spans: Vec::new(),
            snapshot_revision: snapshot.map_or(0, Snapshot::revision),
            dropped_spans: self.dropped_spans,
            dropped_series: self.series.dropped(),
        };
        // What is counted from here on was not there before: a forgotten series that comes back has another start.
        self.series.begin_at(time_unix_nano);
        telemetry
    }
}

/// One counter a service that used an endpoint although it had failed too often.
fn spared(snapshot: &Snapshot) -> impl Iterator<Item = proto::Counter> {
    let services: BTreeMap<_, _> = snapshot.clusters().map(|one| (one.service().to_owned(), one.spared())).collect();
    let spared = services.into_iter().filter(|(_, spared)| *spared > 0);
    spared.map(|(service, value)| proto::Counter { name: EJECTIONS_SPARED.into(), label: service, value })
}

fn counter(name: &str, label: &str, value: u64) -> proto::Counter {
    proto::Counter { name: name.into(), label: label.into(), value }
}

fn call_series(entry: &Entry) -> proto::CallSeries {
    let key = entry.key.borrow();
    proto::CallSeries {
        direction: key.direction.into(),
        peer: key.peer.into(),
        cluster: key.cluster.into(),
        method: key.method.into(),
        grpc_status: key.status.number(),
        reason: key.reason.map(|reason| reason.as_str().into()).unwrap_or_default(),
        count: entry.sums.count,
        request_bytes: entry.sums.request_bytes,
        response_bytes: entry.sums.response_bytes,
        duration: Some(entry.sums.duration.to_proto()),
        retries: entry.sums.retries,
        mtls: key.mtls,
        without_deadline: entry.sums.without_deadline,
        start_unix_nano: entry.start_unix_nano,
    }
}

/// Each endpoint once: a subset's cluster shares the cells of the whole, and its sums must not be counted twice. The
/// cluster with the shorter name, the whole, is the one it is told under.
fn endpoint_series(snapshot: &Snapshot, now: Instant) -> Vec<proto::EndpointSeries> {
    let mut clusters: Vec<_> = snapshot.clusters().collect();
    clusters.sort_by_key(|cluster| (cluster.name().len(), cluster.name().clone()));
    let mut told = HashSet::new();
    let cells = clusters.into_iter().flat_map(|cluster| cluster.endpoints().iter().map(move |cell| (cluster, cell)));
    cells.filter(|(_, cell)| told.insert(cell.key())).map(|(cluster, cell)| one_endpoint(cluster, cell, now)).collect()
}

fn one_endpoint(cluster: &Cluster, cell: &EndpointCell, now: Instant) -> proto::EndpointSeries {
    proto::EndpointSeries {
        service: cluster.service().into(),
        cluster: String::from(&**cluster.name()),
        endpoint: String::from(&*cell.id),
        address: cell.address.to_string(),
        state: endpoint_state(cell.state()).into(),
        consecutive_failures: cell.consecutive_failures(),
        in_flight: cell.in_flight(),
        connections: cell.connections(),
        ewma_us: cell.ewma(now).as_micros() as u64,
        ejections: cell.ejections(),
        open_remaining: Some(wire_duration(cell.open_remaining(now))),
        successes: cell.successes(),
        failures: cell.failures(),
    }
}

fn endpoint_state(state: EndpointState) -> proto::BreakerState {
    match state {
        EndpointState::Closed => proto::BreakerState::Closed,
        EndpointState::Open => proto::BreakerState::Open,
        EndpointState::HalfOpen => proto::BreakerState::HalfOpen,
    }
}

fn wire_duration(duration: Duration) -> prost_types::Duration {
    // At most the hours of a breaker: it fits.
    prost_types::Duration { seconds: duration.as_secs() as i64, nanos: duration.subsec_nanos() as i32 }
}

/// The upstream services, and the own one where it is not among them.
fn service_series(snapshot: &Snapshot) -> Vec<proto::ServiceSeries> {
    let upstream = snapshot.services().iter().map(|service| (&service.name, &service.breaker));
    let own = snapshot.inbound().map(|inbound| (&inbound.service, &inbound.breaker));
    let own = own.filter(|(name, _)| !snapshot.services().iter().any(|service| service.name == **name));
    upstream.chain(own).map(|(name, breaker)| one_service(name, breaker)).collect()
}

fn one_service(name: &str, breaker: &ServiceBreaker) -> proto::ServiceSeries {
    let state = match breaker.state() {
        ServiceState::Closed => proto::BreakerState::Closed,
        ServiceState::Open => proto::BreakerState::Open,
    };
    proto::ServiceSeries {
        service: name.into(),
        state: state.into(),
        connections: breaker.held(Limit::Connections),
        pending: breaker.held(Limit::Pending),
        requests: breaker.held(Limit::Requests),
        retries_in_flight: breaker.held(Limit::Retries),
        refused: Some(proto::CounterByLimit {
            connections: breaker.refused(Limit::Connections),
            pending: breaker.refused(Limit::Pending),
            requests: breaker.refused(Limit::Requests),
            retries: breaker.refused(Limit::Retries),
        }),
    }
}
